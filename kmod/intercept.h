/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files calls/CALL/STREAM of a table. */
#ifndef RTPE_INTERCEPT_H
#define RTPE_INTERCEPT_H

#include "core/intercept.h"

/* For tables inside a struct rtpe_ktable. */
extern struct rtpe_intercept_ops rtpe_intercept_ops;

#endif

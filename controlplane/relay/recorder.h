/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading intercepted streams of the engines in this process. */
#ifndef RTPE_RELAY_RECORDER_H
#define RTPE_RELAY_RECORDER_H

#include "../../kmod/core/intercept.h"

/* For tables of this process: a stream costs nothing more until somebody reads it. */
extern const struct rtpe_intercept_ops rtpe_recorder_ops;

#endif

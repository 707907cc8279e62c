/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a target, as GET_TARGET, DEL_TARGET and blist tell it. */
#ifndef RTPE_CORE_STATE_H
#define RTPE_CORE_STATE_H

#include "target.h"

/* Bytes that rtpe_state_write() writes at the most: packets add trackers while it is read. */
u32 rtpe_state_max(const struct rtpe_target *t);

/* A struct rtpe_state and its parts; returns the bytes written. */
u32 rtpe_state_write(const struct rtpe_target *t, void *out);

#endif

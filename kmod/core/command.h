/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Batches of commands, as uapi/rtpengine.h describes them. */
#ifndef RTPE_CORE_COMMAND_H
#define RTPE_CORE_COMMAND_H

#include "table.h"

#define RTPE_MAX_REPLY 4194304

/* One holder of the control descriptor. */
struct rtpe_owner {
	bool greeted;
};

/*
 * Checks the frame of a batch; returns the bytes its replies can take at the
 * most (> 0), or -EINVAL, -EPROTO, -EMSGSIZE with nothing carried out.
 */
int rtpe_command_check(const struct rtpe_table *t, const struct rtpe_owner *owner, const void *batch, u32 len);

/* Carries out a checked batch; returns the bytes written to `reply`, which has the room that check asked for. */
u32 rtpe_command_run(struct rtpe_table *t, struct rtpe_owner *owner, const void *batch, void *reply);

#endif

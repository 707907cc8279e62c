/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which packet indices were used (struct rtpe_replay), without a lock: words only
 * move on to higher numbers and only gain bits, each by compare-and-swap. So an
 * index is accepted at most once, whatever number of CPUs tries.
 */
#ifndef RTPE_CORE_REPLAY_H
#define RTPE_CORE_REPLAY_H

#include "../uapi/rtpengine.h"
#include "port.h"

#define RTPE_REPLAY_WINDOW 128	/* the highest index and 127 before it */

/* -EALREADY: seen, or too old to tell. */
int rtpe_replay_check(const struct rtpe_replay *r, u64 index);

/* Likewise, and from now on the index counts as seen. */
int rtpe_replay_accept(struct rtpe_replay *r, u64 index);

/* For who counts himself: takes the index after the highest. -EALREADY: none is left below `limit`. */
int rtpe_replay_next(struct rtpe_replay *r, u64 limit, u64 *index);

/* Nothing before `top` is accepted. For a window that nobody else uses yet. */
void rtpe_replay_start(struct rtpe_replay *r, u64 top);

/* What either has seen counts as seen; the higher top holds. `from` is at rest. */
void rtpe_replay_merge(struct rtpe_replay *r, const struct rtpe_replay *from);

/* A copy that knows at least what r knew when this was called. */
void rtpe_replay_copy(struct rtpe_replay *out, const struct rtpe_replay *r);

/* Words where they belong, nothing from `top` on, top at most `limit`. */
bool rtpe_replay_valid(const struct rtpe_replay *r, u64 limit);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which sources a socket has seen, told to the sessions once each. */
#ifndef RTPE_RELAY_LEARN_H
#define RTPE_RELAY_LEARN_H

#include "../../kmod/core/target.h"
#include "event.h"

/* A flood of sources gives an event at once this often, then this many a second. */
#define RTPE_LEARN_BURST 32
#define RTPE_LEARN_INTERVAL_US 50000

struct rtpe_learning {
	u32 serial;			/* of the target that the rest is about */
	struct rtpe_addr reported[2];	/* RTP and others, RTCP; family 0: none yet */
	u64 credit_us;			/* an event costs RTPE_LEARN_INTERVAL_US */
	u64 refilled_us;
};

/*
 * After t accepted p, which arrived at t->local: reports its source unless that is
 * what was reported last for this target. Counts what the rate limit holds back.
 */
void rtpe_learn(struct rtpe_learning *l, const struct rtpe_target *t, const struct rtpe_packet *p,
		struct rtpe_event_queue *q, u64 *suppressed);

#endif

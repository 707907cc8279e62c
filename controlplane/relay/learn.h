/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which sources a socket has seen: told to the sessions once each, and the best of
 * them is where outputs go that follow (see LEARNING in kmod/uapi/rtpengine.h).
 */
#ifndef RTPE_RELAY_LEARN_H
#define RTPE_RELAY_LEARN_H

#include "../../kmod/core/target.h"
#include "credit.h"
#include "event.h"

/* A flood of sources gives an event at once this often, then this many a second. */
#define RTPE_LEARN_BURST 32
#define RTPE_LEARN_INTERVAL_US 50000

/*
 * Where the socket's packets come from, as learned under the target `serial` (0: not
 * known). Written by its worker, read by all: odd `version` means "being written".
 */
struct rtpe_peer {
	u32 version;
	u32 serial;
	u64 addr[sizeof(struct rtpe_addr) / sizeof(u64)];
};

struct rtpe_learning {
	u32 serial;			/* of the target that the rest is about */
	u8 best_rank;
	struct rtpe_addr reported[2];	/* RTP and others, RTCP; family 0: none yet */
	struct rtpe_credit credit;	/* for events */
};

/* Before t sees p: false if its source ranks so badly that p must be dropped. */
bool rtpe_learn_admits(struct rtpe_learning *l, const struct rtpe_target *t, const struct rtpe_packet *p);

/*
 * After t accepted p, which arrived at t->local: remembers its source in *peer if it
 * ranks well enough, and reports it unless that is what was reported last for this
 * target. Counts what the rate limit holds back.
 */
void rtpe_learn(struct rtpe_learning *l, struct rtpe_peer *peer, const struct rtpe_target *t,
		const struct rtpe_packet *p, struct rtpe_event_queue *q, u64 *suppressed);

/* Puts the peer's address into *addr; false if it was not learned under the target `serial`. Any thread. */
bool rtpe_peer_get(const struct rtpe_peer *peer, u32 serial, struct rtpe_addr *addr);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to happen to the packets for one local address and port. */
#ifndef RTPE_CORE_TARGET_H
#define RTPE_CORE_TARGET_H

#include "crypto.h"
#include "stats.h"

struct rtpe_table;

struct rtpe_output {
	struct rtpe_addr src, dst;
	u8 tos;
	bool follow;			/* RTPE_OUTPUT_FOLLOW */
	u32 slot;
	struct rtpe_counters *counters;	/* of CPU 0 */
	struct rtpe_crypto *encrypt;	/* NULL: plain */
	void *host;			/* the engine's own: a cached route, a socket */
};

struct rtpe_target {
	struct rtpe_target RTPE_RCU *next;	/* in the table's bucket */
	struct rtpe_addr local, expected_src;
	u32 serial;			/* tells it from the one it replaced */
	u32 flags;			/* RTPE_TARGET_* */
	u8 src_mismatch;		/* RTPE_MISMATCH_* */
	u8 best_rank;			/* when installed, see RTPE_TARGET_RANK */
	u8 rtp_start, rtp_end, rtcp_start, rtcp_end;
	u8 num_outputs;
	bool slots_moved;		/* a successor uses the slots in slots_kept */
	u32 slots_kept;			/* bit per output */
	u8 pt_class[128];		/* 0: unknown, else 1 + index into clock_rates */
	u32 clock_rates[RTPE_MAX_PAYLOAD_TYPES];
	u32 slot;
	struct rtpe_counters *counters;	/* of CPU 0 */
	struct rtpe_ssrc *ssrc;		/* RTPE_MAX_SSRCS trackers */
	struct rtpe_crypto *decrypt;	/* NULL: plain */
	struct rtpe_table *table;
	struct rtpe_deferred deferred;
	struct rtpe_output outputs[];
};

/*
 * Checks a message of `len` bytes (target and outputs) and makes a target of it,
 * not yet in the table. `old`, if not NULL, is the target it will replace: its
 * statistics go on in the new one. Errors as uapi/rtpengine.h lists.
 */
int rtpe_target_create(struct rtpe_target **out, struct rtpe_table *table, const struct rtpe_target_msg *msg,
		       u32 len, struct rtpe_target *old);

/* For one that never was in the table, or that no packet can see any more. */
void rtpe_target_destroy(struct rtpe_target *t);

/* After `t` took the place of `old`: moves the slots and seeds the trackers. */
void rtpe_target_succeed(struct rtpe_target *t, struct rtpe_target *old);

/* Bytes that rtpe_target_state() writes. */
u32 rtpe_target_state_bytes(const struct rtpe_target *t);
void rtpe_target_state(const struct rtpe_target *t, struct rtpe_state *out);

#endif

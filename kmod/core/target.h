/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to happen to the packets for one local address and port. */
#ifndef RTPE_CORE_TARGET_H
#define RTPE_CORE_TARGET_H

#include "crypto.h"
#include "group.h"
#include "intercept.h"
#include "message.h"
#include "stats.h"

struct rtpe_table;

struct rtpe_output {
	struct rtpe_addr src, dst;
	u8 tos;
	u32 flags;			/* RTPE_OUTPUT_* */
	u32 growth;			/* bytes that its packets may grow by */
	u32 slot;
	struct rtpe_counters *counters;	/* of CPU 0 */
	struct rtpe_rewrite *rewrite;	/* NULL: packets leave as they came */
	struct rtpe_crypto *encrypt;	/* NULL: plain */
	void *host;			/* the engine's own: a cached route, a socket */
};

struct rtpe_target {
	struct rtpe_target RTPE_RCU *next[2];	/* in a bucket: see table.h */
	struct rtpe_addr local, expected_src;
	u32 serial;			/* tells it from the one it replaced */
	u32 flags;			/* RTPE_TARGET_* */
	u8 src_mismatch;		/* RTPE_MISMATCH_* */
	u8 best_rank;			/* when installed, see RTPE_TARGET_RANK */
	u8 rtp_start, rtp_end, rtcp_start, rtcp_end;
	u8 num_outputs;
	bool slots_moved;		/* a successor uses the slots in slots_kept */
	bool inner;			/* see rtpe_host_ops */
	u32 slots_kept;			/* bit per output */
	u32 slot;
	struct rtpe_target_counters *counters;	/* of CPU 0 */
	struct rtpe_details *details;
	struct rtpe_crypto *decrypt;	/* NULL: plain */
	struct rtpe_groups *groups;	/* NULL: one, of the ranges above */
	struct rtpe_stream_queue *stream, *rtcp_stream;		/* NULL: not intercepted */
	struct rtpe_table *table;
	struct rtpe_deferred deferred;
	u8 pt_class[128];		/* 0: unknown, else 1 + index into payload_types */
	struct {
		u32 clock_rate;
		u8 group;
		u8 stats;		/* index into details->payload_types */
		bool reported;
	} payload_types[RTPE_MAX_PAYLOAD_TYPES];
	u32 num_sources;
	struct rtpe_addr sources[RTPE_MAX_SOURCES];	/* as good as expected_src */
	struct rtpe_output outputs[];
};

/*
 * Checks a message of `len` bytes and makes a target of it, not yet in the table.
 * `old`, if not NULL, is the target it will replace: its statistics and SRTP
 * states go on in the new one. Errors as uapi/rtpengine.h lists.
 */
int rtpe_target_create(struct rtpe_target **out, struct rtpe_table *table, const struct rtpe_message *m,
		       struct rtpe_target *old);

/* For one that never was in the table, or that no packet can see any more. */
void rtpe_target_destroy(struct rtpe_target *t);

/* After `t` took the place of `old`: moves the slots. */
void rtpe_target_succeed(struct rtpe_target *t, struct rtpe_target *old);

/* Merges the trackers and SRTP states that the message brought. */
void rtpe_target_seed(struct rtpe_target *t, const struct rtpe_message *m);

/* Whether something is done to the packets that leave through o: each then needs a copy of its own. */
static inline bool rtpe_output_changes(const struct rtpe_output *o)
{
	return o->encrypt || o->rewrite;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The SSRCs under one master key and the packet indices each has used.
 *
 * Packets pin the source they work on and take no lock. A new SSRC, which is
 * rare, takes one: it gets a free place or that of the longest idle source no
 * packet has pinned. Of a source that gave way its highest indices are kept, and
 * it goes on from there when it comes back; no index before is ever used again.
 */
#ifndef RTPE_CORE_SOURCE_H
#define RTPE_CORE_SOURCE_H

#include "replay.h"

#define RTPE_MAX_RETIRED 64
#define RTPE_RTP_INDICES (1ull << 48)
#define RTPE_RTCP_INDICES (1ull << 31)

struct rtpe_source {
	struct rtpe_replay rtp, rtcp;
	__u64 pins;		/* packets at work, or CLAIMED */
	u64 last_us;		/* Unix time of the last packet */
	u32 ssrc;		/* network byte order */
	u8 valid;
};

/* Tops of a source that gave way. */
struct rtpe_retired {
	u32 ssrc;
	u32 rtcp_top;
	u64 rtp_top;
};

struct rtpe_sources {
	struct rtpe_source live[RTPE_MAX_SSRCS];
	rtpe_lock_t lock;	/* for what follows, and changes of SSRC above */
	u32 num_retired, oldest;
	struct rtpe_retired retired[RTPE_MAX_RETIRED];
};

void rtpe_sources_init(struct rtpe_sources *all);
void rtpe_sources_exit(struct rtpe_sources *all);

/* The source of this SSRC, pinned, or NULL. */
struct rtpe_source *rtpe_source_get(struct rtpe_sources *all, u32 ssrc);
void rtpe_source_put(struct rtpe_source *s);

/* When there is no room left to keep the indices of a source that gives way ... */
enum rtpe_full {
	RTPE_FORGET,		/* ... those kept for longest are forgotten */
	RTPE_REFUSE,		/* ... no new SSRC is taken */
};

struct rtpe_source *rtpe_source_make(struct rtpe_sources *all, u32 ssrc, u64 now_us, enum rtpe_full full);

/* Likewise, made if need be. NULL: refused, or packets are at work on every source. */
static inline struct rtpe_source *rtpe_source_claim(struct rtpe_sources *all, u32 ssrc, u64 now_us,
						    enum rtpe_full full)
{
	struct rtpe_source *s = rtpe_source_get(all, ssrc);

	return likely(s) ? s : rtpe_source_make(all, ssrc, now_us, full);
}

/* Where the RTP of an SSRC without a source would go on: one more than its highest index, or 0. */
u64 rtpe_source_past(struct rtpe_sources *all, u32 ssrc);

/* Remembers whom `before` remembers. For sources that nobody uses yet. */
void rtpe_sources_follow(struct rtpe_sources *all, struct rtpe_sources *before);

/* Called by a packet that has it pinned. */
static inline void rtpe_source_touch(struct rtpe_source *s, u64 now_us)
{
	WRITE_ONCE(s->last_us, now_us);
}

#endif

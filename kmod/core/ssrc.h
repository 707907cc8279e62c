/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sequence, loss and jitter of RTP sources.
 *
 * Trackers are shared by all CPUs and written without a lock: the packets of one
 * source reach one CPU at a time in practice, and if two meet, a count is off by
 * one. New sources that meet get a tracker each. Nothing but statistics depends on
 * them.
 */
#ifndef RTPE_CORE_SSRC_H
#define RTPE_CORE_SSRC_H

#include "packet.h"

#define RTPE_MAX_TRANSIT_STEP 100000	/* timestamp units; more is a clock jump */

/* The tracker of an SSRC among RTPE_MAX_SSRCS, or NULL. */
struct rtpe_ssrc *rtpe_ssrc_find(struct rtpe_ssrc *trackers, u32 ssrc);

/* Likewise, made if need be: the longest idle one gives way to a new source. */
struct rtpe_ssrc *rtpe_ssrc_get(struct rtpe_ssrc *trackers, const struct rtpe_packet *p);

/* Takes a sequence number into account, any but the next. */
void rtpe_ssrc_place(struct rtpe_ssrc *s, u16 seq);

/*
 * Goes on where another engine is: what either has seen counts as seen, the
 * higher sequence number holds, counters stay.
 */
void rtpe_ssrc_seed(struct rtpe_ssrc *trackers, const struct rtpe_ssrc *from);

static __always_inline void rtpe_ssrc_jitter(struct rtpe_ssrc *s, const struct rtpe_packet *p, u32 clock_rate)
{
	/* The product wraps once in years; the step is then too large to count. */
	u32 arrival = (u32)rtpe_div64(p->now_us * clock_rate, 1000000);
	u32 transit = arrival - p->timestamp;
	u32 d = transit - s->transit;

	if (s->transit) {
		if (d & 0x80000000)
			d = -d;
		if (d < RTPE_MAX_TRANSIT_STEP)
			s->jitter += d - ((s->jitter + 8) >> 4);
	}
	s->transit = transit ? transit : 1;	/* 0: nothing to compare with yet */
}

/*
 * Takes an RTP packet into account and returns its tracker; clock_rate in Hz, 0: no
 * jitter (RFC 3550 A.1, A.3, A.8). Here is what most packets need: the first source,
 * the next number.
 */
static __always_inline struct rtpe_ssrc *rtpe_ssrc_track(struct rtpe_ssrc *trackers, const struct rtpe_packet *p,
							 u32 clock_rate)
{
	struct rtpe_ssrc *s = trackers;

	if (unlikely(s->valid != RTPE_SSRC_VALID || s->ssrc != p->ssrc))
		s = rtpe_ssrc_get(trackers, p);
	if (likely(p->seq == (u16)(s->ext_seq + 1))) {
		s->ext_seq++;
		s->lost += !(s->lost_bits >> 31);
		s->lost_bits = s->lost_bits << 1 | 1;
	} else {
		rtpe_ssrc_place(s, p->seq);
	}
	s->packets++;
	s->bytes += p->len;
	s->last_us = p->now_us;
	s->last_pt = p->payload_type;
	s->last_ts = p->timestamp;
	if (clock_rate)
		rtpe_ssrc_jitter(s, p, clock_rate);
	return s;
}

#endif

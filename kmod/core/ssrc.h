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

/* The tracker of an SSRC among RTPE_MAX_SSRCS, or NULL. */
struct rtpe_ssrc *rtpe_ssrc_find(struct rtpe_ssrc *trackers, u32 ssrc);

/*
 * Takes an RTP packet into account: the tracker of its SSRC among RTPE_MAX_SSRCS; the
 * longest idle one gives way to a new source. clock_rate in Hz, 0: no jitter (RFC 3550
 * A.1, A.3, A.8).
 */
struct rtpe_ssrc *rtpe_ssrc_track(struct rtpe_ssrc *trackers, const struct rtpe_packet *p, u32 clock_rate);

/*
 * Goes on where another engine is: what either has seen counts as seen, the
 * higher sequence number holds, counters stay.
 */
void rtpe_ssrc_seed(struct rtpe_ssrc *trackers, const struct rtpe_ssrc *from);

#endif

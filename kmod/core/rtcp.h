/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compound RTCP (RFC 3550 section 6, RFC 3611, RFC 4585, RFC 5104, RFC 8888). */
#ifndef RTPE_CORE_RTCP_H
#define RTPE_CORE_RTCP_H

#include "packet.h"

#define RTPE_RTCP_HEADER_LEN 4
#define RTPE_RTCP_MIN_LEN 8	/* of a datagram: shorter ones are not taken for RTCP */
#define RTPE_RTCP_SR 200
#define RTPE_RTCP_RR 201
#define RTPE_RTCP_SDES 202
#define RTPE_RTCP_BYE 203
#define RTPE_RTCP_APP 204
#define RTPE_RTCP_RTPFB 205
#define RTPE_RTCP_PSFB 206
#define RTPE_RTCP_XR 207

/* One RTCP packet of a compound. */
struct rtpe_rtcp {
	u8 *data;
	u32 len;		/* with header and padding, a multiple of 4 */
	u8 type;
	u8 count;		/* five bits: of reports or sources, or the format of feedback */
};

/* The packet at offset `at`; false: no whole one of version 2 is there. */
bool rtpe_rtcp_at(const struct rtpe_packet *p, u32 at, struct rtpe_rtcp *out);

/* Whether p consists of whole packets to its last byte. */
bool rtpe_rtcp_is_whole(const struct rtpe_packet *p);

/* Transport or payload feedback (RFC 4585 section 6.1). */
static inline bool rtpe_rtcp_is_feedback(const struct rtpe_rtcp *r)
{
	return r->type == RTPE_RTCP_RTPFB || r->type == RTPE_RTCP_PSFB;
}

/* Nothing but feedback, and whole. */
bool rtpe_rtcp_is_pure_feedback(const struct rtpe_packet *p);

/*
 * Calls back for each SSRC in a packet that is one of those above, in order: who
 * sends, who is reported on, whom feedback is for. Numbers are in place.
 */
struct rtpe_rtcp_visitor {
	void (*ssrc)(struct rtpe_rtcp_visitor *v, u8 *ssrc);
	/* After its SSRC: an extended (4 bytes) or plain (2 bytes) sequence number of that source. NULL: not wanted. */
	void (*sequence)(struct rtpe_rtcp_visitor *v, u8 *number, u32 bytes);
};

void rtpe_rtcp_visit(const struct rtpe_rtcp *r, struct rtpe_rtcp_visitor *v);

#endif

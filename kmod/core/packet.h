/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A received UDP datagram and what the core found out about it. */
#ifndef RTPE_CORE_PACKET_H
#define RTPE_CORE_PACKET_H

#include "../uapi/rtpengine.h"
#include "port.h"

#define RTPE_RTP_HEADER_LEN 12

enum rtpe_kind {
	RTPE_KIND_OTHER,
	RTPE_KIND_STUN,
	RTPE_KIND_DTLS,
	RTPE_KIND_RTP,
	RTPE_KIND_RTCP,
};

struct rtpe_packet {
	/* given by the host */
	u8 *data;		/* UDP payload, linear */
	u32 len;
	u32 room;		/* bytes that may follow len (tags of SRTP) */
	u64 now_us;		/* Unix time of arrival */
	struct rtpe_addr src;

	/* by rtpe_packet_parse(), see parse.h */
	u8 kind;		/* enum rtpe_kind */
	u8 payload_type;	/* RTP only, like those below */
	u16 seq;
	u32 timestamp;
	u32 ssrc;		/* network byte order */
	u32 header_len;		/* with CSRCs and header extension */
	u32 rtcp_index;		/* of SRTCP, by rtpe_crypto_unprotect() */

	/* by rtpe_forward_packet(): outputs first to last - 1, and bytes as they count for these */
	u8 first, last;
	u32 plain_len;
};

/* Same address, port and family. */
static inline bool rtpe_addr_equal(const struct rtpe_addr *a, const struct rtpe_addr *b)
{
	if (a->family != b->family || a->port != b->port)
		return false;
	/* Constant lengths: no call. */
	return a->family == RTPE_FAMILY_IP4 ? !memcmp(a->ip, b->ip, 4) : !memcmp(a->ip, b->ip, 16);
}

/* A family we know, a port, no reserved bits, no stray bytes behind an IPv4 address. */
bool rtpe_addr_valid(const struct rtpe_addr *a);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the protocols apart that share a media port. */
#ifndef RTPE_CORE_DEMUX_H
#define RTPE_CORE_DEMUX_H

#include "packet.h"
#include "rtcp.h"

#define RTPE_STUN_HEADER_LEN 20
#define RTPE_STUN_COOKIE 0x2112a442

static inline bool rtpe_is_stun(const u8 *data, u32 len)
{
	return len >= RTPE_STUN_HEADER_LEN && rtpe_read32(data + 4) == RTPE_STUN_COOKIE &&
	       rtpe_read16(data + 2) == len - RTPE_STUN_HEADER_LEN && !(len & 3);
}

/*
 * The first element must lie inside the datagram: a length that lies makes the
 * whole not RTCP, so nothing is ever read beyond the end on its word.
 */
static inline bool rtpe_is_rtcp(const u8 *data, u32 len)
{
	return len >= RTPE_RTCP_MIN_LEN && data[1] >= 194 && data[1] <= 223 &&
	       ((u32)rtpe_read16(data + 2) + 1) * 4 <= len;
}

/* The kind by first bytes (RFC 7983 section 7, RFC 5761 section 4); RTP is not checked further. */
static __always_inline enum rtpe_kind rtpe_demux(const u8 *data, u32 len)
{
	if (!len)
		return RTPE_KIND_OTHER;
	if (likely(data[0] >> 6 == 2)) {
		if (len >= 2 && data[1] >= 194 && data[1] <= 223)
			return rtpe_is_rtcp(data, len) ? RTPE_KIND_RTCP : RTPE_KIND_OTHER;
		return RTPE_KIND_RTP;
	}
	if (data[0] <= 3)
		return rtpe_is_stun(data, len) ? RTPE_KIND_STUN : RTPE_KIND_OTHER;
	if (data[0] >= 20 && data[0] <= 63)
		return RTPE_KIND_DTLS;
	return RTPE_KIND_OTHER;
}

#endif

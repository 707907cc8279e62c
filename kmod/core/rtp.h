/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RTP header (RFC 3550 section 5.1). */
#ifndef RTPE_CORE_RTP_H
#define RTPE_CORE_RTP_H

#include "packet.h"

/* Reads the header of p->data into p: 0, or -EINVAL if it is not whole RTP version 2. */
static __always_inline int rtpe_rtp_parse(struct rtpe_packet *p)
{
	const u8 *h = p->data;
	u32 len = RTPE_RTP_HEADER_LEN;

	if (p->len < len || h[0] >> 6 != 2)
		return -EINVAL;
	len += (h[0] & 0x0f) * 4;
	if (h[0] & 0x10) {
		if (p->len < len + 4)
			return -EINVAL;
		len += 4 + (u32)rtpe_read16(h + len + 2) * 4;
	}
	if (p->len < len)
		return -EINVAL;
	p->header_len = len;
	p->payload_type = h[1] & 0x7f;
	p->seq = rtpe_read16(h + 2);
	p->timestamp = rtpe_read32(h + 4);
	memcpy(&p->ssrc, h + 8, 4);
	return 0;
}

#endif

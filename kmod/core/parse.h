/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a datagram is. */
#ifndef RTPE_CORE_PARSE_H
#define RTPE_CORE_PARSE_H

#include "demux.h"
#include "rtp.h"

/* Finds out the kind of data and, for RTP, reads the header. Total: any bytes do. */
static __always_inline void rtpe_packet_parse(struct rtpe_packet *p)
{
	enum rtpe_kind kind = rtpe_demux(p->data, p->len);

	if (kind == RTPE_KIND_RTP && rtpe_rtp_parse(p))
		kind = RTPE_KIND_OTHER;
	p->kind = kind;
}

#endif

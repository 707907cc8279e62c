// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet.h"
#include "demux.h"
#include "rtp.h"

bool rtpe_addr_valid(const struct rtpe_addr *a)
{
	static const u8 zero[12];

	if (!a->port || a->reserved)
		return false;
	if (a->family == RTPE_FAMILY_IP4)
		return !memcmp(a->ip + 4, zero, sizeof(zero));
	return a->family == RTPE_FAMILY_IP6;
}

void rtpe_packet_parse(struct rtpe_packet *p)
{
	p->kind = rtpe_demux(p->data, p->len);
	if (p->kind == RTPE_KIND_RTP && rtpe_rtp_parse(p))
		p->kind = RTPE_KIND_OTHER;
}

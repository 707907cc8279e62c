// SPDX-License-Identifier: GPL-2.0-or-later
#include "forward.h"
#include "ssrc.h"
#include "table.h"

static enum rtpe_verdict pass(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	if (t->table->terminal)
		rtpe_counters_add(t->counters, p->len, p->now_us);
	rtpe_counters_mine(t->counters)->passed++;
	return RTPE_PASS;
}

static enum rtpe_verdict drop(const struct rtpe_target *t)
{
	rtpe_counters_mine(t->counters)->errors++;
	return RTPE_DROP;
}

/* True: the packet is to be passed up, whatever it carries. */
static bool goes_up(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	if (p->kind == RTPE_KIND_STUN)
		return t->flags & RTPE_TARGET_STUN;
	if (p->kind == RTPE_KIND_DTLS)
		return t->flags & RTPE_TARGET_DTLS;
	return false;
}

/*
 * Without RTPE_TARGET_RTP the outputs for RTP take everything, as for T.38.
 * Returns false if the packet is to be passed.
 */
static bool choose_outputs(const struct rtpe_target *t, struct rtpe_packet *p)
{
	if (t->flags & RTPE_TARGET_RTP && p->kind == RTPE_KIND_RTCP) {
		p->first = t->rtcp_start;
		p->last = t->rtcp_end;
	} else {
		if (t->flags & RTPE_TARGET_RTP_ONLY && p->kind != RTPE_KIND_RTP)
			return false;
		p->first = t->rtp_start;
		p->last = t->rtp_end;
	}
	return p->first != p->last;
}

static void track(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	u32 class = t->pt_class[p->payload_type];

	rtpe_ssrc_update(rtpe_ssrc_get(t->ssrc, p), p, class ? t->clock_rates[class - 1] : 0);
}

enum rtpe_verdict rtpe_forward_packet(const struct rtpe_target *t, struct rtpe_packet *p)
{
	bool forward, unknown;

	rtpe_packet_parse(p);
	if (goes_up(t, p) || (t->flags & RTPE_TARGET_LEARN && !t->table->terminal))
		return pass(t, p);
	if (t->expected_src.family && t->src_mismatch != RTPE_MISMATCH_IGNORE && !(t->flags & RTPE_TARGET_RANK) &&
	    !rtpe_addr_equal(&t->expected_src, &p->src)) {
		if (t->src_mismatch == RTPE_MISMATCH_DROP)
			return drop(t);
		if (!t->table->terminal)
			return pass(t, p);
	}
	forward = choose_outputs(t, p);
	if (!forward && !(t->flags & RTPE_TARGET_BLACKHOLE) && !t->table->terminal)
		return pass(t, p);
	unknown = p->kind == RTPE_KIND_RTP && t->flags & RTPE_TARGET_RTP && !t->pt_class[p->payload_type];
	if (unknown && t->flags & RTPE_TARGET_PT_FILTER)
		return pass(t, p);
	/* Authentication comes before anything that changes state. */
	if (t->decrypt && t->table->crypto->unprotect(t->decrypt, p))
		return drop(t);
	if (unknown)
		rtpe_counters_mine(t->counters)->errors++;
	rtpe_counters_add(t->counters, p->len, p->now_us);
	if (p->kind == RTPE_KIND_RTP && t->flags & RTPE_TARGET_RTP)
		track(t, p);
	return forward ? RTPE_FORWARD : RTPE_DROP;
}

int rtpe_forward_output(const struct rtpe_target *t, const struct rtpe_output *o, struct rtpe_packet *p)
{
	return o->encrypt ? t->table->crypto->protect(o->encrypt, p) : 0;
}

void rtpe_forward_sent(const struct rtpe_output *o, u32 bytes, u64 now_us, int err)
{
	if (likely(!err))
		rtpe_counters_add(o->counters, bytes, now_us);
	else
		rtpe_counters_mine(o->counters)->errors++;
}

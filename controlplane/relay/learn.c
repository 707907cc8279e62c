// SPDX-License-Identifier: GPL-3.0-or-later
#include "learn.h"

#define RTCP_APP 204

static bool is_stray_rtcp(const struct rtpe_packet *p)
{
	return p->kind == RTPE_KIND_RTCP && p->data[1] != RTCP_APP;
}

/* What goes up to ICE or DTLS says nothing about where media come from. */
static bool is_media(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	return !(p->kind == RTPE_KIND_STUN && t->flags & RTPE_TARGET_STUN) &&
	       !(p->kind == RTPE_KIND_DTLS && t->flags & RTPE_TARGET_DTLS);
}

static bool pay(struct rtpe_learning *l, u64 now_us)
{
	u64 full = (u64)RTPE_LEARN_BURST * RTPE_LEARN_INTERVAL_US;
	/* The clock may have been set back: then nothing is refilled this time. */
	u64 elapsed = now_us > l->refilled_us ? now_us - l->refilled_us : 0;

	l->credit_us = elapsed < full - l->credit_us ? l->credit_us + elapsed : full;
	l->refilled_us = now_us;
	if (l->credit_us < RTPE_LEARN_INTERVAL_US)
		return false;
	l->credit_us -= RTPE_LEARN_INTERVAL_US;
	return true;
}

void rtpe_learn(struct rtpe_learning *l, const struct rtpe_target *t, const struct rtpe_packet *p,
		struct rtpe_event_queue *q, u64 *suppressed)
{
	bool is_rtcp = is_stray_rtcp(p);
	struct rtpe_addr *reported = &l->reported[is_rtcp];
	struct rtpe_event e = {
		.type = RTPE_EVENT_SOURCE, .is_rtcp = is_rtcp,
		.local = t->local, .src = p->src, .now_us = p->now_us,
	};

	if (l->serial != t->serial) {
		memset(l->reported, 0, sizeof(l->reported));
		l->serial = t->serial;
	}
	if (rtpe_addr_equal(reported, &p->src) || !is_media(t, p))
		return;
	if (!pay(l, p->now_us))
		++*suppressed;
	else if (rtpe_event_put(q, &e))
		*reported = p->src;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "hops.h"

#include "../../kmod/core/forward.h"

#define VALID_US 1000000
#define HOPS_BITS 4
#define HOPS_MASK ((1u << HOPS_BITS) - 1)

/* What a socket sends has been through so many others; it is the most of late, for packets of all kinds mix. */
static u32 hops_of(const struct rtpe_socket *s, u64 now_us)
{
	u64 word = READ_ONCE(s->hops);

	return now_us - (word >> HOPS_BITS) < VALID_US ? word & HOPS_MASK : 0;
}

static void note(struct rtpe_socket *s, u32 hops, u64 now_us)
{
	if (hops >= hops_of(s, now_us))
		WRITE_ONCE(s->hops, now_us << HOPS_BITS | hops);
}

/* The sender, if it is one of ours. Most are not, and the last such is remembered. */
static const struct rtpe_socket *own_sender(struct rtpe_socket_map *m, struct rtpe_socket *s,
					    const struct rtpe_packet *p)
{
	u64 additions = __atomic_load_n(&m->additions, __ATOMIC_ACQUIRE);
	const struct rtpe_socket *sender;

	if (s && likely(s->stranger_since == additions && rtpe_addr_equal(&s->stranger, &p->src)))
		return NULL;
	sender = rtpe_socket_map_find(m, &p->src);
	if (s && !sender) {
		s->stranger = p->src;
		s->stranger_since = additions;
	}
	return sender;
}

void rtpe_hops_count(struct rtpe_socket_map *m, struct rtpe_socket *s, const struct rtpe_target *t,
		     struct rtpe_packet *p)
{
	const struct rtpe_socket *sender = own_sender(m, s, p);
	u32 hops, i;

	if (likely(!sender))
		return;
	hops = hops_of(sender, p->now_us) + 1;
	for (i = p->first; i < p->last; i++) {
		if (hops < RTPE_SELF_HOPS)
			note(t->outputs[i].host, hops, p->now_us);
		else
			rtpe_forward_sent(t, &t->outputs[i], p, -ELOOP);
	}
	if (hops >= RTPE_SELF_HOPS)
		p->first = p->last = 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "learn.h"

#define RTCP_APP 204

static bool is_stray_rtcp(const struct rtpe_packet *p)
{
	return p->kind == RTPE_KIND_RTCP && p->data[1] != RTCP_APP;
}

#define WORDS (sizeof(struct rtpe_addr) / sizeof(u64))

static void publish(struct rtpe_peer *peer, u32 serial, const struct rtpe_addr *addr)
{
	u64 words[WORDS];
	u32 i;

	memcpy(words, addr, sizeof(words));
	if (peer->serial == serial && !memcmp(peer->addr, words, sizeof(words)))
		return;
	__atomic_store_n(&peer->version, peer->version + 1, __ATOMIC_RELAXED);
	/* None of these may be seen before the odd version, nor the even one before them. */
	__atomic_store_n(&peer->serial, serial, __ATOMIC_RELEASE);
	for (i = 0; i < WORDS; i++)
		__atomic_store_n(&peer->addr[i], words[i], __ATOMIC_RELEASE);
	__atomic_store_n(&peer->version, peer->version + 1, __ATOMIC_RELEASE);
}

bool rtpe_peer_get(const struct rtpe_peer *peer, u32 serial, struct rtpe_addr *addr)
{
	u64 words[WORDS];
	u32 before, after, learned, i;

	do {
		before = __atomic_load_n(&peer->version, __ATOMIC_ACQUIRE);
		learned = __atomic_load_n(&peer->serial, __ATOMIC_ACQUIRE);
		for (i = 0; i < WORDS; i++)
			words[i] = __atomic_load_n(&peer->addr[i], __ATOMIC_ACQUIRE);
		after = __atomic_load_n(&peer->version, __ATOMIC_RELAXED);
	} while (before != after || before & 1);
	memcpy(addr, words, sizeof(words));
	return learned == serial;
}

/* 0: what the peer announced, 1: another port, 2: another address, 3: both. */
static u8 rank(const struct rtpe_addr *announced, const struct rtpe_addr *src)
{
	struct rtpe_addr same_port = *src;

	same_port.port = announced->port;
	return (rtpe_addr_equal(&same_port, announced) ? 0 : 2) + (src->port != announced->port);
}

/* A target that is new to the socket brings what was learned so far. */
static void begin(struct rtpe_learning *l, const struct rtpe_target *t)
{
	if (l->serial == t->serial)
		return;
	memset(l->reported, 0, sizeof(l->reported));
	l->best_rank = t->best_rank;
	l->serial = t->serial;
}

bool rtpe_learn_admits(struct rtpe_learning *l, const struct rtpe_target *t, const struct rtpe_packet *p)
{
	begin(l, t);
	return t->src_mismatch != RTPE_MISMATCH_DROP || rank(&t->expected_src, &p->src) <= l->best_rank;
}

void rtpe_learn(struct rtpe_learning *l, struct rtpe_peer *peer, const struct rtpe_target *t,
		const struct rtpe_packet *p, struct rtpe_event_queue *q, u64 *suppressed)
{
	bool is_rtcp = is_stray_rtcp(p);
	struct rtpe_addr *reported = &l->reported[is_rtcp];
	u8 found = t->flags & RTPE_TARGET_RANK ? rank(&t->expected_src, &p->src) : 0;
	struct rtpe_event e = {
		.type = RTPE_EVENT_SOURCE, .is_rtcp = is_rtcp,
		.local = t->local, .src = p->src, .now_us = p->now_us,
	};

	begin(l, t);
	if (!is_rtcp && found <= l->best_rank) {
		l->best_rank = found;
		publish(peer, t->serial, &p->src);
	}
	if (rtpe_addr_equal(reported, &p->src))
		return;
	if (!rtpe_credit_pay(&l->credit, p->now_us, RTPE_LEARN_BURST, RTPE_LEARN_INTERVAL_US))
		++*suppressed;
	else if (rtpe_event_put(q, &e))
		*reported = p->src;
}

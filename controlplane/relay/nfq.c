// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The engine behind an NFQUEUE rule: what the kernel module does, in user space.
 * Packets come from the INPUT chain as the module would see them there, and leave
 * through the relay's sockets. What is not forwarded goes on to those.
 */
#include "datagram.h"
#include "hops.h"
#include "inside.h"

struct rtpe_nfq {
	struct rtpe_reader reader;
	struct rtpe_engine engine;
	u8 *buffer, *scratch;
};

struct rtpe_nfq *rtpe_nfq_new(struct rtpe_relay *r)
{
	struct rtpe_nfq *q = aligned_alloc(64, sizeof(*q));
	int err;

	if (!q)
		return NULL;
	memset(q, 0, sizeof(*q));
	q->buffer = malloc(2 * RTPE_BUFFER);
	if (!q->buffer) {
		free(q);
		return NULL;
	}
	q->scratch = q->buffer + RTPE_BUFFER;
	err = rtpe_engine_init(&q->engine, &r->sockets, 1, false);
	if (err) {
		free(q->buffer);
		free(q);
		errno = -err;
		return NULL;
	}
	rtpe_reader_register(&q->reader);
	return q;
}

void rtpe_nfq_free(struct rtpe_nfq *q)
{
	rtpe_reader_unregister(&q->reader);
	rtpe_engine_exit(&q->engine);
	free(q->buffer);
	free(q);
}

struct rtpe_engine *rtpe_nfq_engine(struct rtpe_nfq *q)
{
	return &q->engine;
}

/* In a copy, for decryption works in place and the caller's packet may have to go on. */
static enum rtpe_verdict forward(struct rtpe_nfq *q, const struct rtpe_target *t, const struct rtpe_datagram *d)
{
	struct rtpe_packet p = {
		.data = memcpy(q->buffer, d->payload, d->len),
		.len = d->len, .room = RTPE_TRAILER, .src = d->src, .now_us = rtpe_now_us(),
	};
	enum rtpe_verdict verdict;

	verdict = rtpe_forward_packet(t, &p);
	if (verdict == RTPE_FORWARD) {
		rtpe_hops_count(q->engine.sockets, NULL, t, &p);
		rtpe_transmit(t, &p, q->scratch);
	}
	return verdict;
}

int rtpe_nfq_packet(struct rtpe_nfq *q, const uint8_t *packet, size_t len)
{
	const struct rtpe_target *t;
	struct rtpe_datagram d;
	enum rtpe_verdict verdict = RTPE_PASS;

	if (!rtpe_datagram_parse(&d, packet, len))
		return 0;
	rtpe_thread_index = 0;
	rtpe_reader_online(&q->reader);
	t = rtpe_table_find(&q->engine.table, &d.dst);
	if (t)
		verdict = forward(q, t, &d);
	rtpe_reader_offline(&q->reader);
	return verdict != RTPE_PASS;
}

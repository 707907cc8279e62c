// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * drive - an engine of the core alone, told what to do on standard input.
 *
 * A request: its kind (1 byte), table (1 byte), two bytes of zero, length (4 bytes) and body. An answer:
 * length (4 bytes) and body. Numbers are in host byte order.
 *
 *   N  a new table; body: 1 byte, whether it is terminal         nothing
 *   O  a new owner of the control descriptor                     nothing
 *   B  a batch                                                   4 bytes: 0 or a negative errno; replies
 *   P  a packet: local and source rtpe_addr, 8 bytes of time     1 byte: verdict, 3 bytes of zero; for each
 *      in microseconds, payload                                  datagram sent: src, dst, 4 bytes of length, it
 *   S  an intercepted packet; body: 4 bytes, the stream's index  a packet, or nothing
 */
#include "check.h"
#include "support.h"
#include "../../controlplane/relay/cipher.h"

#include <stdio.h>

#define TABLES 2
#define VERDICT_STRAY 3		/* no target */

struct request {
	u8 kind, table;
	u16 zero;
	u32 length;
};

struct arrival {
	struct rtpe_addr local, src;
	u64 now_us;
	u8 data[];
};

static struct bench benches[TABLES];
static bool there[TABLES];
static u8 *answer;
static u32 answer_len;

static const struct rtpe_intercept_ops intercept_ops;	/* nobody waits for packets */

static void say(const void *data, u32 len)
{
	answer = realloc(answer, answer_len + len + 1);
	if (len)
		memcpy(answer + answer_len, data, len);
	answer_len += len;
}

static void end(struct bench *b)
{
	rtpe_table_flush(&b->table);
	rtpe_reclaim_all();
	rtpe_intercept_exit(&b->table);
	b->table.intercept = NULL;
	bench_exit(b);
}

static void begin(struct bench *b, bool *is_there, const u8 *body)
{
	if (*is_there)
		end(b);
	*is_there = true;
	bench_init(b);
	b->table.terminal = body[0];
	b->table.ciphers = &rtpe_openssl_ciphers;
	CHECK_EQ(rtpe_intercept_init(&b->table.intercept, &intercept_ops), 0);
}

static void command(struct bench *b, const u8 *body, u32 len)
{
	int bound = rtpe_command_check(&b->table, &b->owner, body, len), status = bound < 0 ? bound : 0;
	void *reply;
	u32 written;

	say(&status, 4);
	if (bound < 0)
		return;
	reply = malloc((size_t)bound);
	written = rtpe_command_run(&b->table, &b->owner, body, reply);
	CHECK(written <= (u32)bound);
	rtpe_reclaim();
	say(reply, written);
	free(reply);
}

/* In memory that ends where the room does that the module would give it. */
static void send_copy(const struct rtpe_target *t, const struct rtpe_output *o, const struct rtpe_packet *p)
{
	struct rtpe_packet own = *p;
	int result;

	own.data = malloc(p->len + o->growth + 1);
	if (p->len)
		memcpy(own.data, p->data, p->len);
	own.room = o->growth;
	result = rtpe_forward_output(o, &own);
	rtpe_forward_sent(t, o, &own, result);
	if (result == RTPE_SEND) {
		say(&o->src, sizeof(o->src));
		say(&o->dst, sizeof(o->dst));
		say(&own.len, 4);
		say(own.data, own.len);
	}
	free(own.data);
}

/* The CPUs take turns. */
static void receive(struct bench *b, const struct arrival *a, u32 len)
{
	const struct rtpe_target *t = rtpe_table_find(&b->table, &a->local);
	u8 *exact = malloc(len ? len : 1), verdict[4] = { VERDICT_STRAY };
	struct rtpe_packet p = { .data = exact, .len = len, .now_us = a->now_us, .src = a->src };
	u32 i;

	rtpe_thread_index = !rtpe_thread_index;
	if (len)
		memcpy(exact, a->data, len);
	if (t)
		verdict[0] = (u8)rtpe_forward_packet(t, &p);
	say(verdict, sizeof(verdict));
	for (i = p.first; verdict[0] == RTPE_FORWARD && i < p.last; i++)
		send_copy(t, &t->outputs[i], &p);
	free(exact);
}

static void read_stream(struct bench *b, u32 index)
{
	struct rtpe_stream_queue *q = rtpe_stream_get(&b->table, index);
	struct rtpe_copy *copy = q ? rtpe_stream_take(q) : NULL;

	if (copy)
		say(copy->data, copy->len);
	rtpe_free(copy);
	if (q)
		rtpe_stream_unref(q);
}

static void serve(const struct request *r, const u8 *body)
{
	struct bench *b = &benches[r->table];

	CHECK(r->table < TABLES);
	switch (r->kind) {
	case 'N':
		begin(b, &there[r->table], body);
		break;
	case 'O':
		b->owner.greeted = false;
		break;
	case 'B':
		command(b, body, r->length);
		break;
	case 'P':
		CHECK(r->length >= sizeof(struct arrival));
		receive(b, (const void *)body, r->length - (u32)sizeof(struct arrival));
		break;
	case 'S':
		read_stream(b, *(const u32 *)body);
		break;
	default:
		CHECK(false);
	}
}

int main(void)
{
	struct request r;
	u32 i;

	while (fread(&r, sizeof(r), 1, stdin) == 1) {
		u8 *body = malloc(r.length ? r.length : 1);

		CHECK(!r.length || fread(body, r.length, 1, stdin) == 1);
		serve(&r, body);
		free(body);
		fwrite(&answer_len, 4, 1, stdout);
		if (answer_len)
			fwrite(answer, 1, answer_len, stdout);
		fflush(stdout);
		answer_len = 0;
	}
	free(answer);
	for (i = 0; i < TABLES; i++)
		if (there[i])
			end(&benches[i]);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Without memory commands fail, leave nothing behind and harm no target. Linked with --wrap for the allocators. */
#include "check.h"
#include "support.h"

static u32 allocations, fail_at;	/* fail_at 0: never */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);

static bool fails(void)
{
	return fail_at && ++allocations == fail_at;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

static void fail_next(u32 at)
{
	allocations = 0;
	fail_at = at;
}

TEST(memory_failed_adds)
{
	struct rtpe_addr a = address4(0x7f000001, 5000), filler;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i, failed = 0;

	bench_init(&b);
	/* Targets without outputs, so that the first output must make a chunk. */
	for (i = 0; i < 62; i++) {
		filler = address4(0x7f000002, (u16)(1 + i));
		message_init(&m, &filler, 0);
		bench_add(&b, &m, false);
	}
	message_init(&m, &a, 4);
	for (i = 1;; i++) {
		fail_next(i);
		if (!bench_try(&b, &m, false, &t))
			break;
		failed++;
		CHECK(!rtpe_table_find(&b.table, &a));
		CHECK_EQ(bench_slots(&b), 62);
		CHECK_EQ(b.outputs, 0);
	}
	fail_next(0);
	CHECK_EQ(failed, 3);
	CHECK_EQ(bench_slots(&b), 67);
	bench_exit(&b);
}

TEST(memory_failed_tables)
{
	static const struct rtpe_host_ops none;
	struct rtpe_table table;
	u32 i;

	for (i = 1; i <= 5; i++) {
		fail_next(i);
		CHECK_EQ(rtpe_table_init(&table, &none, 4), -ENOMEM);
	}
	fail_next(0);
	CHECK_EQ(rtpe_table_init(&table, &none, 4), 0);
	rtpe_table_exit(&table);
}

/* A target with all that version 2 can hang on it. */
static void pack_everything(struct packed *p, const struct rtpe_addr *local, u32 stream)
{
	static const struct rtpe_group groups[2] = { { .rtp_end = 1, .rtcp_end = 1 }, { .rtp_end = 2, .rtcp_end = 2 } };
	static const struct rtpe_ssrc_map map = { .from = 1, .to = 2 };
	struct message m;
	u32 i;

	message_init(&m, local, 2);
	m.target.rtp_end = m.target.rtcp_end = 0;	/* the groups' own count */
	m.target.stream = m.target.rtcp_stream = stream;
	memcpy(p->bytes, &m.target, sizeof(m.target));
	p->len = sizeof(m.target);
	pack_part(p, RTPE_PART_GROUPS, 2, groups, sizeof(groups[0]));
	for (i = 0; i < 2; i++) {
		pack_part(p, RTPE_PART_OUTPUT, 1, &m.outputs[i], sizeof(m.outputs[i]));
		pack_part(p, RTPE_PART_SSRC_MAP, 1, &map, sizeof(map));
	}
}

static u32 queues;

static int queue_added(struct rtpe_table *t, void *call, const char *name, struct rtpe_stream_queue *q)
{
	(void)t;
	(void)call;
	(void)name;
	q->host = &queues;
	queues++;
	return 0;
}

static void queue_freed(void *host)
{
	queues -= host != NULL;
}

static const struct rtpe_intercept_ops intercept_ops = {
	.stream_added = queue_added, .queue = { .freed = queue_freed },
};

/* Interception with a call and a stream in it. */
static int try_intercept(struct rtpe_table *t, u32 *index)
{
	static const struct rtpe_name name = { "call" };
	struct rtpe_stream stream = { .name = { "stream" } };
	int err;

	err = rtpe_intercept_init(&t->intercept, &intercept_ops);
	if (!err)
		err = rtpe_call_add(t, &name, &stream.call);
	if (!err)
		err = rtpe_stream_add(t, &stream, index);
	return err;
}

/* Returns how often memory was missing: nothing is left behind then. */
static u32 intercept(struct rtpe_table *t, u32 *index)
{
	u32 i;
	int err;

	for (i = 1;; i++) {
		fail_next(i);
		err = try_intercept(t, index);
		fail_next(0);
		if (!err)
			return i - 1;
		CHECK_EQ(err, -ENOMEM);
		rtpe_intercept_exit(t);
		CHECK_EQ(queues, 0);
	}
}

TEST(memory_failed_targets_with_every_part)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_target *t;
	struct packed p;
	struct bench b;
	u32 i, failed = 0, stream;
	int err;

	bench_init(&b);
	CHECK_EQ(intercept(&b.table, &stream), 7);
	pack_everything(&p, &a, stream);
	for (i = 1;; i++) {
		fail_next(i);
		err = rtpe_table_add(&b.table, (const void *)p.bytes, p.len, false, &t);
		if (!err)
			break;
		CHECK_EQ(err, -ENOMEM);
		failed++;
		CHECK_EQ(bench_slots(&b), 0);
		CHECK_EQ(b.outputs, 0);
	}
	fail_next(0);
	CHECK(t->groups && t->stream && t->rtcp_stream && t->outputs[0].rewrite && t->outputs[1].rewrite);
	CHECK(failed >= 4);
	/* A replacement that fails keeps the queue; the last target to use it frees it. */
	fail_next(1);
	CHECK_EQ(rtpe_table_add(&b.table, (const void *)p.bytes, p.len, true, &t), -ENOMEM);
	fail_next(0);
	rtpe_intercept_clear(&b.table);
	CHECK_EQ(queues, 1);
	rtpe_table_flush(&b.table);
	rtpe_reclaim_all();
	CHECK_EQ(queues, 0);
	rtpe_intercept_exit(&b.table);
	bench_exit(&b);
}

/* A copy for which there is no memory is a lost packet, nothing else. */
TEST(memory_failed_copies)
{
	struct rtpe_stream_queue *q = rtpe_stream_new(&(struct rtpe_queue_ops){ 0 }, 4);
	struct rtpe_addr local = address4(0x7f000001, 5000);
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;

	packet_rtp(&p, buffer, 1, 1000000);
	fail_next(1);
	rtpe_stream_put(q, &local, &p);
	fail_next(0);
	CHECK(!rtpe_stream_waiting(q));
	CHECK_EQ(rtpe_stream_overflows(q), 1);
	rtpe_stream_put(q, &local, &p);
	CHECK(rtpe_stream_waiting(q));
	rtpe_stream_unref(q);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Intercepted calls and streams: names, numbers, queues, and readers that do not keep up. */
#include "../../kmod/core/intercept.h"
#include "../../kmod/core/table.h"
#include "check.h"
#include "media.h"

#include <stdio.h>

/* What the host was told. */
static struct {
	u32 calls, streams, queues, wakes, refuse_call, refuse_stream;
} host;

static int call_added(struct rtpe_table *t, const char *call, void **data)
{
	(void)t;
	CHECK(*call);
	if (host.refuse_call)
		return -ENOMEM;
	host.calls++;
	*data = &host.calls;
	return 0;
}

static void call_removed(struct rtpe_table *t, void *data)
{
	(void)t;
	CHECK(data == &host.calls);
	host.calls--;
}

static int stream_added(struct rtpe_table *t, void *call, const char *name, struct rtpe_stream_queue *q)
{
	(void)t;
	CHECK(call == &host.calls && *name && !q->host);
	q->host = &host.streams;
	host.queues++;
	if (host.refuse_stream)
		return -ENOMEM;
	host.streams++;
	return 0;
}

static void stream_removed(struct rtpe_table *t, struct rtpe_stream_queue *q)
{
	(void)t;
	CHECK(rtpe_stream_ended(q) && q->host == &host.streams);
	host.streams--;
}

static void woken(struct rtpe_stream_queue *q)
{
	CHECK(q->host == &host.streams);
	host.wakes++;
}

static void freed(void *data)
{
	CHECK(data == &host.streams);
	host.queues--;
}

static const struct rtpe_intercept_ops ops = {
	.stream_packets = 4,
	.call_added = call_added, .call_removed = call_removed,
	.stream_added = stream_added, .stream_removed = stream_removed,
	.queue = { .wake = woken, .freed = freed },
};

static void open_table(struct rtpe_table *t)
{
	memset(t, 0, sizeof(*t));
	memset(&host, 0, sizeof(host));
	CHECK_EQ(rtpe_intercept_init(&t->intercept, &ops), 0);
}

static void close_table(struct rtpe_table *t)
{
	rtpe_intercept_exit(t);
	CHECK(!t->intercept);
	CHECK_EQ(host.calls + host.streams + host.queues, 0);
}

static int add_call(struct rtpe_table *t, const char *text, u32 *index)
{
	struct rtpe_name name;

	memset(&name, 0, sizeof(name));
	memcpy(name.name, text, strlen(text) < sizeof(name) ? strlen(text) : sizeof(name));
	return rtpe_call_add(t, &name, index);
}

static int add_stream(struct rtpe_table *t, u32 call, const char *text, u32 max, u32 *index)
{
	struct rtpe_stream s;

	memset(&s, 0, sizeof(s));
	s.call = call;
	s.max_packets = max;
	memcpy(s.name.name, text, strlen(text) < sizeof(s.name) ? strlen(text) : sizeof(s.name));
	return rtpe_stream_add(t, &s, index);
}

static u32 put_numbered(struct rtpe_table *t, u32 stream, u32 from, u32 count)
{
	char text[16];
	u32 i;

	for (i = 0; i < count; i++) {
		int len = snprintf(text, sizeof(text), "%u", from + i);

		CHECK_EQ(rtpe_stream_put_raw(t, stream, text, (u32)len), 0);
	}
	return from + count;
}

/* What is taken next, or 0. */
static u32 take_number(struct rtpe_stream_queue *q)
{
	struct rtpe_copy *c = rtpe_stream_take(q);
	char text[16] = "";
	u32 n = 0;

	if (c) {
		memcpy(text, c->data, c->len);
		n = (u32)atoi(text);
	}
	rtpe_free(c);
	return n;
}

TEST(intercept_names)
{
	static const struct {
		const char *name;
		int result;
	} rows[] = {
		{ "", -EINVAL }, { ".", -EINVAL }, { "..", -EINVAL }, { "/", -EINVAL }, { "a/b", -EINVAL }, { "a/", -EINVAL },
		{ "...", 0 }, { ".a", 0 }, { "a", 0 }, { "a b", 0 }, { "caf\xc3\xa9", 0 }, { "\n", 0 }, { "1-2@h;x=%2f", 0 },
	};
	char longest[258];
	struct rtpe_table t;
	u32 index, call, i;

	open_table(&t);
	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		CHECK_EQ(add_call(&t, rows[i].name, &call), rows[i].result);
	}
	CHECK_EQ(add_call(&t, "call", &call), 0);
	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		CHECK_EQ(add_stream(&t, call, rows[i].name, 0, &index), rows[i].result);
		CHECK_EQ(add_stream(&t, call, rows[i].name, 0, &index), rows[i].result ? rows[i].result : -EEXIST);
	}
	memset(longest, 'x', sizeof(longest));
	longest[256] = 0;
	CHECK_EQ(add_call(&t, longest, &index), -EINVAL);	/* no zero byte at its end */
	longest[255] = 0;
	CHECK_EQ(add_call(&t, longest, &index), 0);
	CHECK_EQ(add_call(&t, longest, &index), -EEXIST);
	close_table(&t);
}

TEST(intercept_indices)
{
	struct rtpe_table t, other;
	u32 a, b, s, u, x;

	open_table(&t);
	CHECK_EQ(rtpe_intercept_init(&other.intercept, &ops), 0);
	CHECK_EQ(add_call(&t, "a", &a), 0);
	CHECK_EQ(add_call(&t, "b", &b), 0);
	CHECK_EQ(add_call(&t, "a", &x), -EEXIST);
	CHECK(a && b && a != b);
	CHECK_EQ(add_stream(&t, a, "s", 0, &s), 0);
	CHECK_EQ(add_stream(&t, b, "s", 0, &u), 0);		/* the same name in another call */
	CHECK_EQ(add_stream(&t, a, "s", 0, &x), -EEXIST);
	CHECK_EQ(add_stream(&t, 0, "s", 0, &x), -ENOENT);
	CHECK_EQ(add_stream(&t, a + 100, "s", 0, &x), -ENOENT);
	CHECK_EQ(add_stream(&t, a, "large", RTPE_MAX_QUEUE + 1, &x), -ERANGE);
	CHECK_EQ(add_stream(&other, a, "s", 0, &x), -ENOENT);	/* not that table's call */
	CHECK_EQ(rtpe_stream_del(&other, s), -ENOENT);
	CHECK_EQ(rtpe_call_del(&other, a), -ENOENT);
	CHECK(!rtpe_stream_get(&other, s) && !rtpe_stream_get(&t, 0) && !rtpe_stream_get(&t, ~0u));
	CHECK_EQ(rtpe_stream_put_raw(&other, s, "x", 1), -ENOENT);
	CHECK_EQ(rtpe_call_del(&t, a), 0);			/* with its stream */
	CHECK_EQ(host.streams, 1);
	CHECK_EQ(rtpe_call_del(&t, a), -ENOENT);
	CHECK_EQ(rtpe_stream_del(&t, s), -ENOENT);
	CHECK_EQ(add_call(&t, "a", &x), 0);
	CHECK(x != a);						/* an old number does not mean the new call */
	CHECK_EQ(rtpe_call_del(&t, a), -ENOENT);
	CHECK_EQ(rtpe_stream_del(&t, u), 0);
	rtpe_intercept_exit(&other);
	close_table(&t);
}

/* More often than a slot can tell its users apart: no number is 0, and none is that of the call before. */
TEST(intercept_numbers_start_over)
{
	struct rtpe_table t;
	u32 call, last = 0, i;

	open_table(&t);
	for (i = 0; i < 40000; i++, last = call) {
		CHECK_EQ(add_call(&t, "a", &call), 0);
		CHECK(call && call != last);
		CHECK_EQ(rtpe_call_del(&t, last), -ENOENT);
		CHECK_EQ(rtpe_call_del(&t, call), 0);
	}
	close_table(&t);
}

/* Many calls, removed in another order; every number stays its call's own. */
TEST(intercept_many_calls)
{
	static u32 calls[3000], streams[3000];
	struct rtpe_table t;
	char name[16];
	u32 round, i;

	open_table(&t);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < COUNT(calls); i++) {
			snprintf(name, sizeof(name), "call %u", i);
			CHECK_EQ(add_call(&t, name, &calls[i]), 0);
			CHECK_EQ(add_stream(&t, calls[i], "s", 1, &streams[i]), 0);
			put_numbered(&t, streams[i], i + 1, 1);
		}
		for (i = 0; i < COUNT(calls); i++) {
			struct rtpe_stream_queue *q = rtpe_stream_get(&t, streams[i]);

			CHECK_EQ(take_number(q), i + 1);
			rtpe_stream_unref(q);
		}
		for (i = 0; i < COUNT(calls); i++)
			CHECK_EQ(rtpe_call_del(&t, calls[i * 7 % COUNT(calls)]), 0);
		CHECK_EQ(host.calls + host.streams + host.queues, 0);
	}
	close_table(&t);
}

TEST(intercept_a_host_that_refuses)
{
	struct rtpe_table t;
	u32 call, index;

	open_table(&t);
	host.refuse_call = 1;
	CHECK_EQ(add_call(&t, "a", &call), -ENOMEM);
	host.refuse_call = 0;
	CHECK_EQ(add_call(&t, "a", &call), 0);
	host.refuse_stream = 1;
	CHECK_EQ(add_stream(&t, call, "s", 0, &index), -ENOMEM);
	CHECK_EQ(host.queues, 0);
	host.refuse_stream = 0;
	CHECK_EQ(add_stream(&t, call, "s", 0, &index), 0);
	close_table(&t);
}

TEST(intercept_queue_order_and_overflow)
{
	struct rtpe_stream_queue *q;
	struct rtpe_table t;
	u32 call, s, next = 1;

	open_table(&t);
	CHECK_EQ(add_call(&t, "a", &call), 0);
	CHECK_EQ(add_stream(&t, call, "s", 3, &s), 0);
	q = rtpe_stream_get(&t, s);
	CHECK(!rtpe_stream_take(q) && !rtpe_stream_waiting(q));
	CHECK_EQ(rtpe_stream_put_raw(&t, s, "", 0), -EINVAL);
	next = put_numbered(&t, s, next, 3);
	CHECK_EQ(host.wakes, 3);
	CHECK_EQ(rtpe_stream_overflows(q), 0);
	next = put_numbered(&t, s, next, 1);
	CHECK_EQ(rtpe_stream_overflows(q), 1);
	CHECK_EQ(take_number(q), 2);		/* the oldest gave way */
	next = put_numbered(&t, s, next, 5);
	CHECK_EQ(rtpe_stream_overflows(q), 5);
	CHECK_EQ(take_number(q), 7);
	CHECK_EQ(take_number(q), 8);
	CHECK(rtpe_stream_waiting(q));
	CHECK_EQ(take_number(q), 9);
	CHECK(!rtpe_stream_waiting(q));
	CHECK_EQ(take_number(q), 0);
	put_numbered(&t, s, next, 1);
	CHECK_EQ(take_number(q), 10);
	CHECK_EQ(rtpe_stream_overflows(q), 5);
	rtpe_stream_unref(q);
	close_table(&t);
}

static void check_totals(const struct rtpe_table *t, u32 calls, u32 streams, u32 lost)
{
	struct rtpe_intercept_totals totals;

	rtpe_intercept_count(t, &totals);
	CHECK_EQ(totals.calls, calls);
	CHECK_EQ(totals.streams, streams);
	CHECK_EQ(totals.lost, lost);
}

TEST(intercept_totals)
{
	struct rtpe_table t, none = { 0 };
	u32 call, a, b;

	check_totals(&none, 0, 0, 0);
	open_table(&t);
	CHECK_EQ(add_call(&t, "a", &call), 0);
	check_totals(&t, 1, 0, 0);
	CHECK_EQ(add_stream(&t, call, "a", 2, &a), 0);
	CHECK_EQ(add_stream(&t, call, "b", 2, &b), 0);
	put_numbered(&t, a, 1, 5);
	put_numbered(&t, b, 1, 3);
	check_totals(&t, 1, 2, 4);
	CHECK_EQ(rtpe_stream_del(&t, a), 0);
	check_totals(&t, 1, 1, 4);
	CHECK_EQ(rtpe_call_del(&t, call), 0);
	check_totals(&t, 0, 0, 4);
	close_table(&t);
}

TEST(intercept_default_length)
{
	struct rtpe_stream_queue *q;
	struct rtpe_table t;
	u32 call, s, i;

	open_table(&t);
	CHECK_EQ(add_call(&t, "a", &call), 0);
	CHECK_EQ(add_stream(&t, call, "s", 0, &s), 0);
	q = rtpe_stream_get(&t, s);
	put_numbered(&t, s, 1, 10);
	for (i = 7; i <= 10; i++)
		CHECK_EQ(take_number(q), i);
	CHECK_EQ(take_number(q), 0);
	rtpe_stream_unref(q);
	close_table(&t);
}

/* Targets and readers outlive a stream; nothing is added to it any more, what waits can still be read. */
TEST(intercept_removal_under_use)
{
	static const struct rtpe_addr local = { .family = RTPE_FAMILY_IP4, .port = 1 };
	struct rtpe_stream_queue *target, *reader;
	struct rtpe_packet p;
	struct rtpe_table t;
	u32 call, s, wakes;

	open_table(&t);
	CHECK_EQ(add_call(&t, "a", &call), 0);
	CHECK_EQ(add_stream(&t, call, "s", 0, &s), 0);
	target = rtpe_stream_get(&t, s);
	reader = rtpe_stream_get(&t, s);
	put_numbered(&t, s, 1, 1);
	wakes = host.wakes;
	CHECK_EQ(rtpe_call_del(&t, call), 0);
	CHECK_EQ(host.wakes, wakes + 1);
	CHECK(rtpe_stream_ended(reader));
	CHECK_EQ(host.streams, 0);
	CHECK_EQ(host.queues, 1);
	media_packet(&p, "payload", 7, 0);
	rtpe_stream_put(target, &local, &p);
	media_free(&p);
	CHECK_EQ(rtpe_stream_overflows(target), 0);
	CHECK_EQ(take_number(reader), 1);
	CHECK(!rtpe_stream_take(reader));
	rtpe_stream_unref(target);
	CHECK_EQ(host.queues, 1);
	rtpe_stream_unref(reader);
	CHECK_EQ(host.queues, 0);
	close_table(&t);
}

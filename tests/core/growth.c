// SPDX-License-Identifier: GPL-3.0-or-later
/* The buckets of a table grow with its targets, while packets look them up. */
#include <pthread.h>

#include "check.h"
#include "support.h"

#define MANY 10000

static struct rtpe_target *find(const struct bench *b, const struct rtpe_addr *a)
{
	return rtpe_table_find(&b->table, a);
}

/* As a media server does: few addresses, every second port. */
static void add_media_ports(struct bench *b, u32 first, u32 last)
{
	struct rtpe_addr a;
	struct message m;

	for (; first < last; first++) {
		a = first % 2 ? address6(first % 4, (u16)(10000 + first)) :
				address4(0xc0a80001 + first % 4, (u16)(10000 + first));
		message_init(&m, &a, 0);
		bench_add(b, &m, false);
		rtpe_reclaim();
	}
}

static u32 longest_chain(const struct bench *b)
{
	const struct rtpe_buckets *all = b->table.buckets;
	u32 longest = 0, length, i;
	struct rtpe_target *t;

	for (i = 0; i < 1u << (32 - all->shift); i++) {
		for (length = 0, t = all->heads[i]; t; t = t->next[all->link])
			length++;
		if (length > longest)
			longest = length;
	}
	return longest;
}

TEST(growth_buckets_share_the_load)
{
	static const u32 totals[] = { 1, 30, 100, 1000, MANY, 50000 };
	struct bench b;
	u32 before = 0, i;

	bench_init(&b);
	for (i = 0; i < sizeof(totals) / sizeof(totals[0]); i++) {
		add_media_ports(&b, before, totals[i]);
		before = totals[i];
		CHECK(longest_chain(&b) <= 8);
		CHECK((1u << (32 - b.table.buckets->shift)) <= 4 * before + 32);
	}
	bench_exit(&b);
}

/* No memory lies idle, and no look-up fails, where the former buckets cannot be freed for a long time. */
TEST(growth_happens_once_until_readers_are_gone)
{
	struct rtpe_reader r = { 0 };
	struct rtpe_addr a;
	struct bench b;
	u32 shift, i;

	rtpe_reader_register(&r);
	bench_init(&b);
	rtpe_reader_online(&r);
	add_media_ports(&b, 0, 33);
	shift = b.table.buckets->shift;
	CHECK(shift < 32 - RTPE_MIN_BUCKET_BITS);
	add_media_ports(&b, 33, 1000);
	CHECK_EQ(b.table.buckets->shift, shift);
	for (i = 0; i < 1000; i += 2) {
		a = address4(0xc0a80001 + i % 4, (u16)(10000 + i));
		CHECK(find(&b, &a));
	}
	rtpe_reader_offline(&r);
	rtpe_reclaim();
	add_media_ports(&b, 1000, 1001);
	CHECK(b.table.buckets->shift < shift);
	rtpe_reader_unregister(&r);
	bench_exit(&b);
}

#define OLD 30		/* fewer than the first buckets */

struct seeker {
	struct bench *bench;
	bool ended;
	u64 rounds, missed;
};

static void *seek(void *arg)
{
	struct seeker *s = arg;
	struct rtpe_reader r = { 0 };
	struct rtpe_addr a;
	u32 i;

	rtpe_reader_register(&r);
	while (!__atomic_load_n(&s->ended, __ATOMIC_RELAXED)) {
		rtpe_reader_online(&r);
		for (i = 0; i < OLD; i++) {
			a = i % 2 ? address6(i % 4, (u16)(10000 + i)) : address4(0xc0a80001 + i % 4, (u16)(10000 + i));
			s->missed += !find(s->bench, &a);
		}
		rtpe_reader_offline(&r);
		__atomic_add_fetch(&s->rounds, 1, __ATOMIC_RELAXED);
	}
	rtpe_reader_unregister(&r);
	return NULL;
}

TEST(growth_and_no_packet_misses_its_target)
{
	struct rtpe_addr a;
	struct seeker s = { 0 };
	struct bench b;
	pthread_t thread;
	u32 round, i;

	for (round = 0; round < 20; round++) {
		bench_init(&b);
		add_media_ports(&b, 0, OLD);
		s.bench = &b;
		s.ended = false;
		CHECK_EQ(pthread_create(&thread, NULL, seek, &s), 0);
		add_media_ports(&b, OLD, 3000);
		for (i = OLD; i < 3000; i += 2) {
			a = address4(0xc0a80001 + i % 4, (u16)(10000 + i));
			CHECK_EQ(rtpe_table_remove(&b.table, &a), 0);
		}
		__atomic_store_n(&s.ended, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		bench_exit(&b);
	}
	CHECK(s.rounds > 20);
	CHECK_EQ(s.missed, 0);
}

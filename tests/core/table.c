// SPDX-License-Identifier: GPL-3.0-or-later
/* Targets come, are replaced and go; nothing of them stays. */
#include "check.h"
#include "support.h"
#include "../../kmod/core/state.h"

#define MANY 10000

static struct rtpe_addr nth(u32 i)
{
	return i % 2 ? address6(i / 60000, (u16)(1 + i % 60000)) : address4(0x0a000000 + i / 60000, (u16)(1 + i % 60000));
}

static struct rtpe_target *find(const struct bench *b, const struct rtpe_addr *a)
{
	return rtpe_table_find(&b->table, a);
}

TEST(table_find_tells_addresses_apart)
{
	struct rtpe_addr a = address4(0x7f000001, 5000), port = a, ip = a, six = address6(0x7f000001, 5000);
	struct message m;
	struct bench b;

	port.port++;
	ip.ip[3]++;
	bench_init(&b);
	message_init(&m, &a, 1);
	bench_add(&b, &m, false);
	CHECK(find(&b, &a) && !find(&b, &port) && !find(&b, &ip) && !find(&b, &six));
	message_init(&m, &six, 0);
	bench_add(&b, &m, false);
	CHECK(find(&b, &six) && find(&b, &six) != find(&b, &a));
	CHECK_EQ(rtpe_table_remove(&b.table, &port), -ENOENT);
	bench_exit(&b);
}

TEST(table_of_10000_targets)
{
	struct rtpe_addr a;
	struct message m;
	struct bench b;
	u32 i, slots;

	bench_init(&b);
	for (i = 0; i < MANY; i++) {
		a = nth(i);
		message_init(&m, &a, 2);
		bench_add(&b, &m, false);
	}
	CHECK_EQ(b.table.num_targets, MANY);
	CHECK_EQ(b.outputs, 2 * MANY);
	slots = bench_slots(&b);
	CHECK_EQ(slots, 3 * MANY);
	for (i = 0; i < MANY; i++) {
		a = nth(i);
		CHECK(find(&b, &a) && rtpe_addr_equal(&find(&b, &a)->local, &a));
	}
	for (i = 0; i < MANY; i += 2) {
		a = nth(i);
		CHECK_EQ(rtpe_table_remove(&b.table, &a), 0);
	}
	for (i = 0; i < MANY; i++) {
		a = nth(i);
		CHECK_EQ(!!find(&b, &a), i % 2);
	}
	rtpe_reclaim_all();
	CHECK_EQ(bench_slots(&b), slots / 2);
	CHECK_EQ(b.outputs, MANY);
	bench_exit(&b);
}

TEST(table_add_needs_replace_for_what_is_there)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_target *first, *second;
	struct message m;
	struct bench b;

	bench_init(&b);
	message_init(&m, &a, 1);
	first = bench_add(&b, &m, true);
	CHECK_EQ(bench_try(&b, &m, false, &second), -EEXIST);
	CHECK(find(&b, &a) == first);
	second = bench_add(&b, &m, true);
	CHECK(find(&b, &a) == second);
	CHECK(first->serial != second->serial || first == second);
	CHECK_EQ(b.table.num_targets, 1);
	bench_exit(&b);
}

static void count(struct rtpe_target *t, u32 output)
{
	struct rtpe_packet p = { .plain_len = 50, .now_us = 6 };

	rtpe_thread_index = 1;
	rtpe_counters_add(&rtpe_target_counters_mine(t->counters)->sum, 100, 5);
	rtpe_forward_sent(t, &t->outputs[output], &p, RTPE_SEND);
	rtpe_thread_index = 0;
}

static u64 sent(const struct rtpe_target *t, u32 output)
{
	struct rtpe_counters sum;

	rtpe_counters_fold(t->outputs[output].counters, t->table->outputs.cpus, &sum);
	return sum.packets;
}

TEST(table_replace_goes_on_with_statistics)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_target_counters sum;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i;

	bench_init(&b);
	message_init(&m, &a, 2);
	t = bench_add(&b, &m, false);
	count(t, 0);
	count(t, 1);
	for (i = 0; i < 100; i++) {
		/* The destination may change, the second output comes and goes. */
		message_init(&m, &a, 1 + i % 2);
		m.outputs[0].dst.port = (u16)(i + 1);
		t = bench_add(&b, &m, true);
		count(t, 0);
		rtpe_reclaim_all();
		CHECK_EQ(bench_slots(&b), 2 + i % 2);
	}
	rtpe_target_counters_fold(t->counters, 2, &sum);
	CHECK_EQ(sum.sum.packets, 102);
	CHECK_EQ(sum.sum.bytes, 10200);
	CHECK_EQ(sum.sum.last_us, 5);
	CHECK_EQ(sent(t, 0), 101);
	CHECK_EQ(sent(t, 1), 0);
	/* Another source socket: another stream, with counters of its own. */
	m.outputs[0].src.port++;
	t = bench_add(&b, &m, true);
	CHECK_EQ(sent(t, 0), 0);
	bench_exit(&b);
}

TEST(table_failed_adds_leave_nothing)
{
	struct rtpe_addr a = address4(0x7f000001, 5000), other = address4(0x7f000001, 5002);
	struct rtpe_target *t, *before;
	struct message m;
	struct bench b;
	u32 slots, i;

	bench_init(&b);
	message_init(&m, &a, 3);
	before = bench_add(&b, &m, false);
	count(before, 0);
	count(before, 2);
	slots = bench_slots(&b);
	for (i = 0; i < 300; i++) {
		b.fail_at = b.outputs + 1 + i % 4;
		message_init(&m, i % 2 ? &a : &other, 4);
		if (i % 3 == 0)
			m.outputs[1].src.port++;
		CHECK_EQ(bench_try(&b, &m, true, &t), -EHOSTUNREACH);
		rtpe_reclaim_all();
		CHECK_EQ(b.outputs, 3);
		CHECK_EQ(bench_slots(&b), slots);
	}
	CHECK(find(&b, &a) == before && !find(&b, &other));
	CHECK_EQ(sent(before, 0), 1);
	CHECK_EQ(sent(before, 2), 1);
	b.fail_at = 0;
	message_init(&m, &a, 4);
	t = bench_add(&b, &m, true);
	CHECK_EQ(sent(t, 2), 1);
	bench_exit(&b);
}

/* The output at the end of a state without SRTP. */
static const struct rtpe_output_state *last_output(const struct rtpe_state *state)
{
	return (const void *)((const u8 *)state + state->length - sizeof(struct rtpe_output_state));
}

TEST(table_new_slots_are_zero)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_state *state;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i;

	bench_init(&b);
	message_init(&m, &a, 32);
	m.num_ssrcs = 1;
	m.ssrc[0].ssrc = 77;
	for (i = 0; i < 5; i++) {
		t = bench_add(&b, &m, false);
		state = malloc(rtpe_state_max(t));
		rtpe_state_write(t, state);
		CHECK_EQ(state->counters.sum.packets, 0);
		CHECK_EQ(t->details->ssrc[0].ssrc, 77);
		CHECK_EQ(t->details->ssrc[0].packets, 0);
		CHECK_EQ(last_output(state)->counters.packets, 0);
		free(state);
		count(t, 31);
		t->details->ssrc[0].packets = 9;
		CHECK_EQ(rtpe_table_remove(&b.table, &a), 0);
		rtpe_reclaim_all();
	}
	bench_exit(&b);
}

/* A listing that stops and goes on shows each target that stays once, whatever comes and goes meanwhile. */
TEST(table_listing_order_is_not_disturbed)
{
	u32 i, slot = 0, seen = 0, turn = 0;
	struct rtpe_target *t;
	struct rtpe_addr a;
	struct message m;
	struct bench b;

	bench_init(&b);
	for (i = 0; i < 400; i++) {
		a = address4(0x7f000001 + i % 2, (u16)(1000 + i));
		message_init(&m, &a, 0);
		bench_add(&b, &m, false);
	}
	for (; (t = rtpe_table_next(&b.table, &slot)); slot++, turn++) {
		seen += t->local.ip[3] == 1;
		a = address4(0x7f000002, (u16)(1001 + 2 * turn));
		if (turn < 200)
			CHECK_EQ(rtpe_table_remove(&b.table, &a), 0);
		a = address4(0x7f000003, (u16)(1 + turn));
		message_init(&m, &a, 0);
		if (turn < 200)
			bench_add(&b, &m, false);
		rtpe_reclaim();
	}
	CHECK_EQ(seen, 200);
	bench_exit(&b);
}

/* A reader that came online before the removal keeps the target alive. */
TEST(table_removed_targets_live_while_a_packet_may_see_them)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_reader early, late;
	struct rtpe_target *t;
	struct message m;
	struct bench b;

	bench_init(&b);
	rtpe_reader_register(&early);
	rtpe_reader_register(&late);
	message_init(&m, &a, 1);
	bench_add(&b, &m, false);
	rtpe_reader_online(&early);
	t = find(&b, &a);
	CHECK_EQ(rtpe_table_remove(&b.table, &a), 0);
	rtpe_reader_online(&late);
	rtpe_reclaim();
	CHECK(rtpe_addr_equal(&t->local, &a));
	CHECK_EQ(b.outputs, 1);
	CHECK_EQ(bench_slots(&b), 2);
	rtpe_reader_offline(&early);
	rtpe_reclaim();
	CHECK_EQ(b.outputs, 0);
	rtpe_reader_offline(&late);
	rtpe_reader_unregister(&early);
	rtpe_reader_unregister(&late);
	bench_exit(&b);
}

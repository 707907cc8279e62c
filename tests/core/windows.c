// SPDX-License-Identifier: GPL-3.0-or-later
/* Windows of packet indices: against a model, merged, and by several threads at once. */
#include "../../kmod/core/replay.h"
#include "check.h"
#include "support.h"

#define INDICES (1 << 16)
#define THREADS 4

static struct rtpe_replay fresh(void)
{
	return (struct rtpe_replay){ 0 };
}

/* An index somewhere around the highest so far. */
static u64 stray(u64 top)
{
	switch (random_below(8)) {
	case 0:
		return top + random_below(400);
	case 1:
		return top > 300 ? top - random_below(300) : 0;
	case 2:
		return top;
	}
	return top > 140 ? top - random_below(140) : random_below(200);
}

TEST(window_against_the_model)
{
	u8 *seen = calloc(1, INDICES + 512);
	u32 run;

	for (run = 0; run < 50; run++) {
		struct rtpe_replay r = fresh();
		u64 top = 0, index;
		bool free_to_use;

		memset(seen, 0, INDICES + 512);
		while (top < INDICES / 4) {
			index = stray(top);
			free_to_use = index + RTPE_REPLAY_WINDOW >= top && !seen[index];
			CHECK_EQ(rtpe_replay_check(&r, index), free_to_use ? 0 : -EALREADY);
			CHECK_EQ(rtpe_replay_accept(&r, index), free_to_use ? 0 : -EALREADY);
			seen[index] = 1;
			if (free_to_use && index >= top)
				top = index + 1;
			CHECK_EQ(r.top, top);
			CHECK(rtpe_replay_valid(&r, top));
		}
	}
	free(seen);
}

TEST(window_edges)
{
	static const struct {
		const char *name;
		u64 first, then;
		int result;
	} rows[] = {
		{ "the same", 1000, 1000, -EALREADY },
		{ "last of the window", 1000, 1000 - 127, 0 },
		{ "first beyond it", 1000, 1000 - 128, -EALREADY },
		{ "next", 1000, 1001, 0 },
		{ "far ahead", 1000, 1000000, 0 },
		{ "the same bit of a word 256 ahead", 5, 5 + 256, 0 },
		{ "before the first", 65535, 65534, 0 },
		{ "highest of all", (1ull << 48) - 2, (1ull << 48) - 1, 0 },
	};
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		struct rtpe_replay r = fresh();

		check_case(rows[i].name);
		CHECK_EQ(rtpe_replay_accept(&r, rows[i].first), 0);
		CHECK_EQ(rtpe_replay_accept(&r, rows[i].then), rows[i].result);
		CHECK_EQ(rtpe_replay_accept(&r, rows[i].then), -EALREADY);
	}
}

TEST(window_that_starts_knows_nothing_but_its_past)
{
	struct rtpe_replay r;
	u64 top, i;

	for (top = 0; top < 600; top++) {
		rtpe_replay_start(&r, top);
		CHECK(rtpe_replay_valid(&r, top));
		for (i = 0; i < top; i++)
			CHECK_EQ(rtpe_replay_check(&r, i), -EALREADY);
		for (i = top; i < top + 300; i++)
			CHECK_EQ(rtpe_replay_check(&r, i), 0);
	}
}

TEST(window_next_counts_up_to_its_limit)
{
	struct rtpe_replay r = fresh();
	u64 index, i;

	for (i = 0; i < 5; i++) {
		CHECK_EQ(rtpe_replay_next(&r, 5, &index), 0);
		CHECK_EQ(index, i);
	}
	CHECK_EQ(rtpe_replay_next(&r, 5, &index), -EALREADY);
	CHECK_EQ(r.top, 5);
}

/* Two engines that share out a stream: after the merge both refuse what either had, and nothing else in the window. */
TEST(window_merge_is_a_union)
{
	u32 run, i;

	for (run = 0; run < 500; run++) {
		struct rtpe_replay a = fresh(), b = fresh(), both, twice, copy;
		u64 highest = 0, start = random_below(3) * 65000, index;
		u8 seen[700] = { 0 };

		for (i = 0; i < 200; i++) {
			index = random_below(sizeof(seen));
			if (!rtpe_replay_accept(i % 3 ? &a : &b, start + index)) {
				seen[index] = 1;
				highest = index > highest ? index : highest;
			}
		}
		both = a;
		rtpe_replay_merge(&both, &b);
		twice = both;
		rtpe_replay_merge(&twice, &b);
		rtpe_replay_merge(&twice, &a);
		CHECK(!memcmp(&twice, &both, sizeof(both)));
		rtpe_replay_copy(&copy, &both);
		CHECK(!memcmp(&copy, &both, sizeof(both)));
		CHECK(rtpe_replay_valid(&both, start + highest + 1));
		CHECK_EQ(both.top, start + highest + 1);
		for (index = highest > 127 ? highest - 127 : 0; index <= highest; index++)
			CHECK_EQ(rtpe_replay_check(&both, start + index), seen[index] ? -EALREADY : 0);
	}
}

TEST(window_words_that_no_packets_leave_are_refused)
{
	struct rtpe_replay good, bad;

	rtpe_replay_start(&good, 1000);
	CHECK(rtpe_replay_valid(&good, 1000) && !rtpe_replay_valid(&good, 999));
	bad = good;
	bad.top--;
	CHECK(!rtpe_replay_valid(&bad, 1000));
	bad = good;
	bad.seen[3] += 1 << 16;
	CHECK(!rtpe_replay_valid(&bad, 2000));
	bad = good;
	bad.seen[0] = ~0ull;
	CHECK(!rtpe_replay_valid(&bad, 1ull << 48));
}

/* A window that all threads push the same indices into. */
struct race {
	struct rtpe_replay window, merged;
	u32 accepted[INDICES];
	bool counting;
};

static void *push(void *arg)
{
	struct race *r = arg;
	u64 index;
	u32 i;

	for (i = 0; i < INDICES; i++) {
		if (r->counting) {
			if (!rtpe_replay_next(&r->window, INDICES, &index))
				__atomic_fetch_add(&r->accepted[index], 1, __ATOMIC_RELAXED);
			continue;
		}
		index = i % 7 ? i : i > 60 ? i - 60 : 0;
		if (!rtpe_replay_accept(&r->window, index))
			__atomic_fetch_add(&r->accepted[index], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Copies and merges while packets go on, as a hand-over does. */
static void *hand_over(void *arg)
{
	struct race *r = arg;
	struct rtpe_replay copy;
	u32 i;

	for (i = 0; i < 2000; i++) {
		rtpe_replay_copy(&copy, &r->window);
		CHECK(rtpe_replay_valid(&copy, INDICES));
		rtpe_replay_merge(&r->window, &copy);
	}
	return NULL;
}

static void race(bool counting)
{
	struct race *r = calloc(1, sizeof(*r));
	pthread_t threads[THREADS + 1];
	u32 i, used = 0;

	r->counting = counting;
	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, push, r));
	CHECK(!pthread_create(&threads[i], NULL, hand_over, r));
	for (i = 0; i <= THREADS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < INDICES; i++) {
		CHECK(r->accepted[i] <= 1);
		used += r->accepted[i];
	}
	CHECK(used > INDICES / 2);
	CHECK_EQ(r->window.top, INDICES);
	free(r);
}

TEST(window_threads_never_share_an_index)
{
	race(false);
	race(true);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* SSRCs under one key: who gives way, and what is remembered of it. */
#include "../../kmod/core/source.h"
#include "check.h"
#include "support.h"

static struct rtpe_sources *sources(void)
{
	struct rtpe_sources *all = calloc(1, sizeof(*all));

	rtpe_sources_init(all);
	return all;
}

static void done(struct rtpe_sources *all)
{
	rtpe_sources_exit(all);
	free(all);
}

/* Uses one more index of an SSRC; its number, or -1 if it was refused. */
static long long use(struct rtpe_sources *all, u32 ssrc, u64 now_us, enum rtpe_full full)
{
	struct rtpe_source *s = rtpe_source_claim(all, ssrc, now_us, full);
	u64 index;

	if (!s)
		return -1;
	CHECK_EQ(s->ssrc, ssrc);
	CHECK_EQ(rtpe_replay_next(&s->rtp, RTPE_RTP_INDICES, &index), 0);
	rtpe_source_touch(s, now_us);
	rtpe_source_put(s);
	return (long long)index;
}

TEST(sources_longest_idle_gives_way_and_goes_on_when_it_is_back)
{
	struct rtpe_sources *all = sources();
	struct rtpe_source *s;
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		CHECK_EQ(use(all, i, 100 + i, RTPE_REFUSE), 0);
	CHECK_EQ(use(all, 0, 200, RTPE_REFUSE), 1);
	CHECK_EQ(use(all, 50, 201, RTPE_REFUSE), 0);
	s = rtpe_source_get(all, 1);
	CHECK(!s);
	CHECK_EQ(rtpe_source_past(all, 1), 1);
	CHECK_EQ(rtpe_source_past(all, 51), 0);
	CHECK_EQ(use(all, 1, 202, RTPE_REFUSE), 1);
	CHECK_EQ(rtpe_source_past(all, 1), 0);
	CHECK_EQ(use(all, 0, 203, RTPE_REFUSE), 2);
	done(all);
}

/* The index of no SSRC is used twice, however many there are; those that would need forgetting are refused. */
TEST(sources_of_a_sender_never_start_again)
{
	struct rtpe_sources *all = sources();
	long long next[200] = { 0 }, index;
	u32 i, ssrc, refused = 0;

	for (i = 0; i < 20000; i++) {
		ssrc = random_below(COUNT(next));
		index = use(all, ssrc, i, RTPE_REFUSE);
		refused += index < 0;
		if (index >= 0)
			CHECK_EQ(index, next[ssrc]++);
	}
	for (i = ssrc = 0; i < COUNT(next); i++)
		ssrc += next[i] > 0;
	CHECK_EQ(ssrc, RTPE_MAX_SSRCS + RTPE_MAX_RETIRED);
	CHECK(refused > 10000);
	done(all);
}

TEST(sources_of_a_receiver_forget_the_oldest)
{
	struct rtpe_sources *all = sources();
	u32 i, n = RTPE_MAX_SSRCS + RTPE_MAX_RETIRED + 10;

	for (i = 0; i < n; i++)
		CHECK_EQ(use(all, i, i, RTPE_FORGET), 0);
	for (i = 0; i < n - RTPE_MAX_SSRCS; i++)
		CHECK_EQ(rtpe_source_past(all, i), i < 10 ? 0 : 1);
	done(all);
}

TEST(sources_that_packets_are_at_work_on_stay)
{
	struct rtpe_sources *all = sources();
	struct rtpe_source *pinned[RTPE_MAX_SSRCS];
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		pinned[i] = rtpe_source_claim(all, i, 1, RTPE_FORGET);
	CHECK(!rtpe_source_claim(all, 100, 2, RTPE_FORGET));
	CHECK(rtpe_source_claim(all, 3, 2, RTPE_FORGET) == pinned[3]);
	rtpe_source_put(pinned[3]);
	CHECK(!rtpe_source_claim(all, 100, 2, RTPE_FORGET));
	rtpe_source_put(pinned[3]);
	CHECK(rtpe_source_claim(all, 100, 2, RTPE_FORGET) == pinned[3]);
	CHECK(!rtpe_source_get(all, 3));
	done(all);
}

/* More SSRCs than places, from several threads. */
struct crowd {
	struct rtpe_sources *all;
	u32 used[RTPE_MAX_SSRCS + 8][2048];
	u32 refused;
};

static void *jostle(void *arg)
{
	struct crowd *c = arg;
	u32 i, ssrc, seed = (u32)(uintptr_t)&i;
	struct rtpe_source *s;
	u64 index;

	for (i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		ssrc = (seed >> 16) % COUNT(c->used);
		s = rtpe_source_claim(c->all, ssrc, i, RTPE_REFUSE);
		if (!s) {
			__atomic_fetch_add(&c->refused, 1, __ATOMIC_RELAXED);
			continue;
		}
		if (!rtpe_replay_next(&s->rtp, COUNT(c->used[0]), &index))
			__atomic_fetch_add(&c->used[ssrc][index], 1, __ATOMIC_RELAXED);
		rtpe_source_touch(s, i);
		rtpe_source_put(s);
	}
	return NULL;
}

TEST(sources_threads_never_share_an_index)
{
	struct crowd *c = calloc(1, sizeof(*c));
	pthread_t threads[4];
	u32 i, k;

	c->all = sources();
	for (i = 0; i < COUNT(threads); i++)
		CHECK(!pthread_create(&threads[i], NULL, jostle, c));
	for (i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < COUNT(c->used); i++)
		for (k = 0; k < COUNT(c->used[i]); k++)
			CHECK(c->used[i][k] <= 1);
	CHECK(c->refused < 1000);
	done(c->all);
	free(c);
}

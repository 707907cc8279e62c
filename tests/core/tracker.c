// SPDX-License-Identifier: GPL-3.0-or-later
/* Sequence, loss and jitter, against a model that remembers every number it ever saw. */
#include "../../kmod/core/ssrc.h"
#include "check.h"
#include "support.h"

#include <math.h>
#include <pthread.h>

#define NUMBERS (1 << 22)

/* Numbers never wrap here; what was before the start counts as seen. */
struct model {
	u8 *seen;
	long long start, highest;
	u32 lost, duplicates, reordered, resets, packets;
};

static void model_start(struct model *m, long long number)
{
	memset(m->seen, 0, NUMBERS);
	m->start = m->highest = number;
	m->seen[number] = 1;
}

static bool model_saw(const struct model *m, long long number)
{
	return number < m->start || m->seen[number];
}

/* A number is lost when 32 higher ones went by and it has not come. */
static void model_receive(struct model *m, u16 seq)
{
	long long behind = (u16)((u16)m->highest - seq), ahead = (u16)(seq - (u16)m->highest), n;

	m->packets++;
	if (m->packets == 1) {
		model_start(m, seq);
	} else if (ahead >= 1 && ahead <= 256) {
		for (n = m->highest - 31; n <= m->highest + ahead - 32; n++)
			m->lost += !model_saw(m, n);
		m->highest += ahead;
		m->seen[m->highest] = 1;
	} else if (behind <= 256) {
		n = m->highest - behind;
		if (behind < 32 && model_saw(m, n))
			m->duplicates++;
		else
			m->reordered++;
		if (n >= m->start && behind < 32)
			m->seen[n] = 1;
	} else {
		m->resets++;
		model_start(m, seq);
	}
}

static void expect(const struct rtpe_ssrc *s, const struct model *m)
{
	CHECK_EQ(s->packets, m->packets);
	CHECK_EQ(s->ext_seq, m->highest);
	CHECK_EQ(s->lost, m->lost);
	CHECK_EQ(s->duplicates, m->duplicates);
	CHECK_EQ(s->reordered, m->reordered);
	CHECK_EQ(s->resets, m->resets);
}

static void receive(struct rtpe_ssrc *trackers, struct model *m, u16 seq)
{
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;

	packet_rtp(&p, buffer, seq, 1000000);
	rtpe_packet_parse(&p);
	rtpe_ssrc_track(trackers, &p, 8000);
	model_receive(m, seq);
	expect(trackers, m);
}

TEST(tracker_examples)
{
	static const struct {
		const char *name;
		u16 numbers[8];
		u32 count, lost, duplicates, reordered, resets;
	} rows[] = {
		{ "in order", { 1, 2, 3, 4 }, 4, 0, 0, 0, 0 },
		{ "one late", { 1, 3, 2, 4 }, 4, 0, 0, 1, 0 },
		{ "one twice", { 1, 2, 2, 3 }, 4, 0, 1, 0, 0 },
		{ "first again", { 1, 1, 2 }, 3, 0, 1, 0, 0 },
		{ "wrap", { 65534, 65535, 0, 1 }, 4, 0, 0, 0, 0 },
		{ "late over the wrap", { 65534, 0, 65535, 1 }, 4, 0, 0, 1, 0 },
		{ "one missing, window passed", { 1, 3, 34, 35 }, 4, 1, 0, 0, 0 },
		{ "gap of 31", { 1, 33 }, 2, 0, 0, 0, 0 },
		{ "gap of 100", { 1, 101, 133 }, 3, 99, 0, 0, 0 },
		{ "largest gap", { 1, 257, 289 }, 3, 255, 0, 0, 0 },
		{ "new start", { 1, 258, 259 }, 3, 0, 0, 0, 1 },
		{ "behind at the limit", { 1000, 744 }, 2, 0, 0, 1, 0 },
		{ "behind beyond it", { 1000, 743 }, 2, 0, 0, 0, 1 },
		{ "half way round", { 0, 32768, 0 }, 3, 0, 0, 0, 2 },
	};
	struct model m = { .seen = malloc(NUMBERS) };
	u32 i, k;

	for (i = 0; i < COUNT(rows); i++) {
		struct rtpe_ssrc t[RTPE_MAX_SSRCS] = { 0 };
		struct model fresh = { .seen = m.seen };

		check_case(rows[i].name);
		for (k = 0; k < rows[i].count; k++)
			receive(t, &fresh, rows[i].numbers[k]);
		CHECK_EQ(t->lost, rows[i].lost);
		CHECK_EQ(t->duplicates, rows[i].duplicates);
		CHECK_EQ(t->reordered, rows[i].reordered);
		CHECK_EQ(t->resets, rows[i].resets);
	}
	free(m.seen);
}

/* The next number of a stream with all that goes wrong on the way. */
static u16 stray(u16 *next)
{
	switch (random_below(40)) {
	case 0:
		return (u16)(*next - 1 - random_below(40));		/* late or again */
	case 1:
		*next = (u16)(*next + 1 + random_below(50));		/* a burst is lost */
		break;
	case 2:
		return (u16)(*next + random_below(6));			/* early */
	case 3:
		if (random_below(20) == 0)
			*next = (u16)random_next();			/* a new start */
		break;
	case 4:
		++*next;						/* one is lost */
		break;
	}
	return (*next)++;
}

TEST(tracker_against_the_model)
{
	u8 *seen = malloc(NUMBERS);
	u32 run, i;

	for (run = 0; run < 60; run++) {
		struct rtpe_ssrc t[RTPE_MAX_SSRCS] = { 0 };
		struct model m = { .seen = seen };
		u16 next = (u16)random_next();

		for (i = 0; i < 3000; i++)
			receive(t, &m, stray(&next));
	}
	free(seen);
}

/* RFC 3550 section 6.4.1 in floating point: within the rounding of the integers. */
TEST(tracker_jitter)
{
	u32 clock_rate, run, i;

	for (run = 0; run < 20; run++) {
		struct rtpe_ssrc t[RTPE_MAX_SSRCS] = { 0 };
		double jitter = 0, transit = 0, before = 0;
		u64 sent = 1700000000000000 + (u64)random_below(1000000), now;
		u8 buffer[PACKET_ROOM];
		struct rtpe_packet p;
		u32 timestamp = random_next();

		clock_rate = run % 2 ? 8000 : 48000;
		for (i = 0; i < 1000; i++) {
			now = sent + random_below(40000);
			packet_rtp(&p, buffer, (u16)i, now);
			rtpe_packet_parse(&p);
			p.timestamp = timestamp;
			rtpe_ssrc_track(t, &p, clock_rate);
			before = transit;
			transit = (double)(now - 1700000000000000) * clock_rate / 1e6 - (double)i * clock_rate / 50;
			if (i)
				jitter += (fabs(transit - before) - jitter) / 16;
			CHECK(fabs(t->jitter / 16.0 - jitter) < 2);
			sent += 20000;
			timestamp += clock_rate / 50;
		}
		CHECK(t->jitter / 16 > clock_rate / 200);
	}
}

TEST(tracker_jitter_ignores_clock_jumps)
{
	struct rtpe_ssrc t[RTPE_MAX_SSRCS] = { 0 };
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;
	u32 i;

	for (i = 0; i < 100; i++) {
		packet_rtp(&p, buffer, (u16)i, 1700000000000000 + i * 20000);
		rtpe_packet_parse(&p);
		if (i >= 50)
			p.timestamp += 1000000000;
		rtpe_ssrc_track(t, &p, 8000);
	}
	CHECK_EQ(t->jitter, 0);
}

TEST(tracker_without_clock_rate_has_no_jitter)
{
	struct rtpe_ssrc t[RTPE_MAX_SSRCS] = { 0 };
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;
	u32 i;

	for (i = 0; i < 20; i++) {
		packet_rtp(&p, buffer, (u16)i, 1700000000000000 + random_next());
		rtpe_packet_parse(&p);
		rtpe_ssrc_track(t, &p, 0);
	}
	CHECK_EQ(t->jitter, 0);
	CHECK_EQ(t->packets, 20);
}

static struct rtpe_ssrc *source(struct rtpe_ssrc *t, u32 ssrc, u64 now_us)
{
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;

	packet_rtp(&p, buffer, 1, now_us);
	rtpe_packet_parse(&p);
	p.ssrc = ssrc;
	return rtpe_ssrc_track(t, &p, 8000);
}

TEST(tracker_longest_idle_source_gives_way)
{
	struct rtpe_ssrc t[RTPE_MAX_SSRCS] = { 0 };
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		CHECK(source(t, i, 1000 + i) == &t[i]);
	CHECK(source(t, 0, 2000) == &t[0]);
	CHECK(source(t, 100, 2001) == &t[1]);
	CHECK_EQ(t[1].ssrc, 100);
	CHECK_EQ(t[1].packets, 1);
	CHECK(source(t, 0, 2002) == &t[0]);
	CHECK_EQ(t[0].packets, 3);
}

TEST(tracker_ssrc_zero_is_a_source)
{
	struct rtpe_ssrc t[RTPE_MAX_SSRCS] = { 0 };

	CHECK(source(t, 0, 1) == source(t, 0, 2));
	CHECK_EQ(t[0].packets, 2);
	CHECK(!t[1].valid);
}

#define ROUNDS 20000

/* Two threads, each with a source that starts in every round at once with the other's. */
struct meeting {
	struct rtpe_ssrc trackers[ROUNDS][RTPE_MAX_SSRCS];
	pthread_barrier_t door;
};

struct guest {
	struct meeting *meeting;
	u32 ssrc;
};

static void *visit(void *argument)
{
	struct guest *g = argument;
	u32 i;

	for (i = 0; i < ROUNDS; i++) {
		if (i % 64 == 0)
			pthread_barrier_wait(&g->meeting->door);
		source(g->meeting->trackers[i], g->ssrc, 1);
		source(g->meeting->trackers[i], g->ssrc, 2);
	}
	return NULL;
}

TEST(tracker_new_sources_that_meet_get_one_each)
{
	struct meeting *m = calloc(1, sizeof(*m));
	struct guest guests[2] = { { m, 1 }, { m, 2 } };
	pthread_t threads[2];
	u32 i, k;

	CHECK(m && !pthread_barrier_init(&m->door, NULL, 2));
	for (i = 0; i < 2; i++)
		CHECK(!pthread_create(&threads[i], NULL, visit, &guests[i]));
	for (i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < ROUNDS; i++)
		for (k = 1; k <= 2; k++) {
			const struct rtpe_ssrc *s = rtpe_ssrc_find(m->trackers[i], k);

			CHECK(s);
			CHECK_EQ(s->packets, 2);
		}
	pthread_barrier_destroy(&m->door);
	free(m);
}

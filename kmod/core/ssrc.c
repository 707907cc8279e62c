// SPDX-License-Identifier: GPL-2.0-or-later
#include "ssrc.h"

#define MAX_AHEAD 0x100		/* a larger step is a new start, not loss */
#define MAX_BEHIND 0x101

struct rtpe_ssrc *rtpe_ssrc_find(struct rtpe_ssrc *t, u32 ssrc)
{
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		if (t[i].valid == RTPE_SSRC_VALID && t[i].ssrc == ssrc)
			return &t[i];
	return NULL;
}

/* The first eight bytes, which change hands as one. */
union head {
	struct {
		u32 ssrc;
		u8 valid, last_pt;
		u16 resets;
	};
	__u64 word;
};

/* A free tracker, else that whose last packet is the oldest; not one that another CPU is about to take. */
static struct rtpe_ssrc *give_way(struct rtpe_ssrc *t)
{
	struct rtpe_ssrc *s = t;
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++) {
		u8 valid = READ_ONCE(t[i].valid);

		if (!valid)
			return &t[i];
		if (valid == RTPE_SSRC_VALID && (s->valid != RTPE_SSRC_VALID || t[i].last_us < s->last_us))
			s = &t[i];
	}
	return s;
}

/* Two CPUs with new sources take two trackers; where more meet than there are trackers, counts mix. */
static struct rtpe_ssrc *claim(struct rtpe_ssrc *t, u32 ssrc)
{
	union head mine = { .ssrc = ssrc, .valid = RTPE_SSRC_TAKEN };
	struct rtpe_ssrc *s = t;
	union head was;
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++) {
		s = give_way(t);
		was.word = READ_ONCE(((union head *)s)->word);
		if (was.valid == RTPE_SSRC_TAKEN || !rtpe_cas64(&((union head *)s)->word, &was.word, mine.word))
			continue;
		memset((u8 *)s + sizeof(mine), 0, sizeof(*s) - sizeof(mine));
		break;
	}
	return s;
}

/* Starts, or starts anew, at seq: everything before counts as seen. */
static void restart(struct rtpe_ssrc *s, u64 seq)
{
	s->ext_seq = seq;
	s->lost_bits = ~0u;
	s->transit = 0;
}

/* n numbers further: what leaves the window unseen is lost. */
static void advance(struct rtpe_ssrc *s, u32 n)
{
	s->ext_seq += n;
	if (n < 32) {
		s->lost += n - rtpe_popcount32(s->lost_bits >> (32 - n));
		s->lost_bits = s->lost_bits << n | 1;
	} else {
		s->lost += 32 - rtpe_popcount32(s->lost_bits) + n - 32;
		s->lost_bits = 1;
	}
}

/* A number already passed: late, or seen before. */
static void step_back(struct rtpe_ssrc *s, u32 behind)
{
	if (behind < 32 && !(s->lost_bits & 1u << behind)) {
		s->lost_bits |= 1u << behind;
		s->reordered++;
	} else if (behind < 32) {
		s->duplicates++;
	} else {
		s->reordered++;
	}
}

void rtpe_ssrc_place(struct rtpe_ssrc *s, u16 seq)
{
	u16 ahead = seq - (u16)s->ext_seq;

	if (ahead && ahead <= MAX_AHEAD) {
		advance(s, ahead);
	} else if ((u16)-ahead < MAX_BEHIND) {
		step_back(s, (u16)-ahead);
	} else {
		restart(s, seq);
		s->resets++;
	}
}

/* A new one is left where its first packet is the next. */
struct rtpe_ssrc *rtpe_ssrc_get(struct rtpe_ssrc *trackers, const struct rtpe_packet *p)
{
	struct rtpe_ssrc *s = rtpe_ssrc_find(trackers, p->ssrc);

	if (likely(s))
		return s;
	s = claim(trackers, p->ssrc);
	if (s->valid != RTPE_SSRC_VALID) {
		restart(s, (u64)p->seq - 1);
		WRITE_ONCE(s->valid, RTPE_SSRC_VALID);
	}
	return s;
}

static void adopt(struct rtpe_ssrc *s, const struct rtpe_ssrc *from, u32 seen_before)
{
	s->ext_seq = from->ext_seq;
	s->lost_bits = from->lost_bits | seen_before;
	s->jitter = from->jitter;
	s->transit = from->transit;
	s->last_ts = from->last_ts;
	s->last_pt = from->last_pt;
	s->last_us = from->last_us;
	if (from->group)
		s->group = from->group;
	WRITE_ONCE(s->valid, RTPE_SSRC_VALID);
}

void rtpe_ssrc_seed(struct rtpe_ssrc *trackers, const struct rtpe_ssrc *from)
{
	struct rtpe_ssrc *s = rtpe_ssrc_find(trackers, from->ssrc);
	u64 step;

	if (!s) {
		adopt(claim(trackers, from->ssrc), from, 0);
	} else if (from->ext_seq >= s->ext_seq) {
		step = from->ext_seq - s->ext_seq;
		adopt(s, from, step < 32 ? s->lost_bits << step : 0);
	} else {
		step = s->ext_seq - from->ext_seq;
		if (step < 32)
			s->lost_bits |= from->lost_bits << step;
		if (!s->group)
			s->group = from->group;
	}
}

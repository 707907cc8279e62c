// SPDX-License-Identifier: GPL-2.0-or-later
#include "replay.h"

#define WORDS 16
#define BITS 16

static u64 number_of(u64 word)
{
	return word >> BITS;
}

static u64 bit_of(u64 index)
{
	return 1ull << index % BITS;
}

static bool too_old(const struct rtpe_replay *r, u64 index)
{
	return index + RTPE_REPLAY_WINDOW < READ_ONCE(r->top);
}

static bool seen_in(u64 word, u64 index)
{
	u64 number = index / BITS;

	return number_of(word) > number || (number_of(word) == number && word & bit_of(index));
}

int rtpe_replay_check(const struct rtpe_replay *r, u64 index)
{
	return too_old(r, index) || seen_in(READ_ONCE(r->seen[index / BITS % WORDS]), index) ? -EALREADY : 0;
}

static void raise_top(struct rtpe_replay *r, u64 top)
{
	__u64 old = READ_ONCE(r->top);

	while (old < top && !rtpe_cas64(&r->top, &old, top))
		;
}

int rtpe_replay_accept(struct rtpe_replay *r, u64 index)
{
	__u64 *word = &r->seen[index / BITS % WORDS];
	__u64 old = READ_ONCE(*word), new;

	do {
		if (too_old(r, index) || seen_in(old, index))
			return -EALREADY;
		new = number_of(old) == index / BITS ? old : index / BITS << BITS;
	} while (!rtpe_cas64(word, &old, new | bit_of(index)));
	raise_top(r, index + 1);
	return 0;
}

int rtpe_replay_next(struct rtpe_replay *r, u64 limit, u64 *index)
{
	__u64 top = READ_ONCE(r->top);

	do {
		if (top >= limit)
			return -EALREADY;
	} while (!rtpe_cas64(&r->top, &top, top + 1));
	*index = top;
	return 0;
}

/* Words before the first of the window may stay as they are: the window refuses those. */
void rtpe_replay_start(struct rtpe_replay *r, u64 top)
{
	u64 first = top > RTPE_REPLAY_WINDOW ? top - RTPE_REPLAY_WINDOW : 0, i;

	memset(r, 0, sizeof(*r));
	for (i = first; i < top; i++)
		r->seen[i / BITS % WORDS] = (r->seen[i / BITS % WORDS] & 0xffff) | i / BITS << BITS | bit_of(i);
	r->top = top;
}

static void merge_word(__u64 *word, u64 from)
{
	__u64 old = READ_ONCE(*word), new;

	do {
		if (number_of(old) > number_of(from))
			return;
		new = number_of(old) == number_of(from) ? old | from : from;
	} while (new != old && !rtpe_cas64(word, &old, new));
}

/* The top comes last: no packet may meet it before the bits below it are there. */
void rtpe_replay_merge(struct rtpe_replay *r, const struct rtpe_replay *from)
{
	u32 i;

	for (i = 0; i < WORDS; i++)
		merge_word(&r->seen[i], from->seen[i]);
	raise_top(r, from->top);
}

/* One more than the highest index in a word; 0: it has none. */
static u64 end_of(u64 word)
{
	u32 bit = BITS;

	while (bit && !(word & 1ull << (bit - 1)))
		bit--;
	return bit ? number_of(word) * BITS + bit : 0;
}

/* The top comes first here, for the same reason; what is accepted meanwhile raises it. */
void rtpe_replay_copy(struct rtpe_replay *out, const struct rtpe_replay *r)
{
	u32 i;

	out->top = rtpe_load_acquire(&r->top);
	for (i = 0; i < WORDS; i++) {
		out->seen[i] = READ_ONCE(r->seen[i]);
		if (end_of(out->seen[i]) > out->top)
			out->top = end_of(out->seen[i]);
	}
}

bool rtpe_replay_valid(const struct rtpe_replay *r, u64 limit)
{
	u32 i;

	for (i = 0; i < WORDS; i++)
		if (r->seen[i] && (number_of(r->seen[i]) % WORDS != i || end_of(r->seen[i]) > r->top))
			return false;
	return r->top <= limit;
}

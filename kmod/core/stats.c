// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats.h"

int rtpe_stats_init(struct rtpe_stats *s, u32 cpus, u32 counters_bytes, u32 detail_bytes, u64 map_offset)
{
	u32 bytes;

	memset(s, 0, sizeof(*s));
	s->cpus = cpus;
	s->pool.slots_per_chunk = RTPE_SLOTS_PER_CHUNK;
	s->pool.counters_bytes = counters_bytes;
	s->pool.cpu_stride = RTPE_SLOTS_PER_CHUNK * counters_bytes;
	s->pool.detail_offset = cpus * s->pool.cpu_stride;
	s->pool.detail_stride = detail_bytes;
	s->pool.map_offset = map_offset;
	bytes = s->pool.detail_offset + RTPE_SLOTS_PER_CHUNK * detail_bytes;
	s->pool.chunk_bytes = (bytes + RTPE_PAGE_BYTES - 1) / RTPE_PAGE_BYTES * RTPE_PAGE_BYTES;
	s->chunks = rtpe_alloc(RTPE_MAX_CHUNKS * sizeof(*s->chunks));
	s->free_slots = rtpe_alloc(RTPE_MAX_CHUNKS * sizeof(*s->free_slots));
	if (!s->chunks || !s->free_slots) {
		rtpe_free(s->chunks);
		rtpe_free(s->free_slots);
		return -ENOMEM;
	}
	rtpe_lock_init(&s->lock);
	return 0;
}

void rtpe_stats_exit(struct rtpe_stats *s)
{
	u32 i;

	for (i = 0; i < s->num_chunks; i++)
		rtpe_pages_free(s->chunks[i]);
	rtpe_free(s->chunks);
	rtpe_free(s->free_slots);
	rtpe_lock_exit(&s->lock);
}

/* Adds a chunk. Only the (serialised) writer does, so only slot bits need the lock. */
static int grow(struct rtpe_stats *s)
{
	u8 *mem;

	if (s->num_chunks == RTPE_MAX_CHUNKS)
		return -ENOSPC;
	mem = rtpe_pages_alloc(s->pool.chunk_bytes);
	if (!mem)
		return -ENOMEM;
	rtpe_lock(&s->lock);
	WRITE_ONCE(s->chunks[s->num_chunks], mem);
	s->free_slots[s->num_chunks] = ~(u64)0;
	s->hint = s->num_chunks++;
	rtpe_unlock(&s->lock);
	return 0;
}

static u32 take_free(struct rtpe_stats *s)
{
	u32 slot = RTPE_NO_SLOT, bit;

	rtpe_lock(&s->lock);
	while (s->hint < s->num_chunks && !s->free_slots[s->hint])
		s->hint++;
	if (s->hint < s->num_chunks) {
		bit = rtpe_first_bit64(s->free_slots[s->hint]);
		s->free_slots[s->hint] &= ~((u64)1 << bit);
		slot = s->hint * RTPE_SLOTS_PER_CHUNK + bit;
	}
	rtpe_unlock(&s->lock);
	return slot;
}

int rtpe_stats_take(struct rtpe_stats *s, u32 *slot)
{
	u8 *first;
	u32 i;
	int err;

	*slot = take_free(s);
	if (*slot == RTPE_NO_SLOT) {
		err = grow(s);
		if (err)
			return err;
		*slot = take_free(s);
	}
	first = rtpe_stats_counters(s, *slot);
	for (i = 0; i < s->cpus; i++)
		memset(first + i * s->pool.cpu_stride, 0, s->pool.counters_bytes);
	memset(rtpe_stats_details(s, *slot), 0, s->pool.detail_stride);
	return 0;
}

void rtpe_stats_give(struct rtpe_stats *s, u32 slot)
{
	u32 chunk = slot / RTPE_SLOTS_PER_CHUNK;

	rtpe_lock(&s->lock);
	s->free_slots[chunk] |= (u64)1 << slot % RTPE_SLOTS_PER_CHUNK;
	if (chunk < s->hint)
		s->hint = chunk;
	rtpe_unlock(&s->lock);
}

void *rtpe_stats_counters(const struct rtpe_stats *s, u32 slot)
{
	return s->chunks[slot / RTPE_SLOTS_PER_CHUNK] + slot % RTPE_SLOTS_PER_CHUNK * s->pool.counters_bytes;
}

void *rtpe_stats_details(const struct rtpe_stats *s, u32 slot)
{
	return s->chunks[slot / RTPE_SLOTS_PER_CHUNK] + s->pool.detail_offset +
	       slot % RTPE_SLOTS_PER_CHUNK * s->pool.detail_stride;
}

const void *rtpe_stats_chunk(const struct rtpe_stats *s, u32 chunk)
{
	return chunk < RTPE_MAX_CHUNKS ? READ_ONCE(s->chunks[chunk]) : NULL;
}

static void add_counters(struct rtpe_counters *sum, const struct rtpe_counters *c)
{
	u64 last = READ_ONCE(c->last_us);

	sum->packets += READ_ONCE(c->packets);
	sum->bytes += READ_ONCE(c->bytes);
	sum->errors += READ_ONCE(c->errors);
	sum->passed += READ_ONCE(c->passed);
	if (last > sum->last_us)
		sum->last_us = last;
}

void rtpe_counters_fold(const struct rtpe_counters *first, u32 cpus, struct rtpe_counters *sum)
{
	const u8 *at = (const u8 *)first;

	memset(sum, 0, sizeof(*sum));
	for (; cpus--; at += RTPE_OUTPUT_STRIDE)
		add_counters(sum, (const struct rtpe_counters *)at);
}

void rtpe_target_counters_fold(const struct rtpe_target_counters *first, u32 cpus, struct rtpe_target_counters *sum)
{
	const u8 *at = (const u8 *)first;
	u32 i;

	memset(sum, 0, sizeof(*sum));
	for (; cpus--; at += RTPE_TARGET_STRIDE) {
		const struct rtpe_target_counters *c = (const void *)at;

		add_counters(&sum->sum, &c->sum);
		for (i = 0; i < RTPE_DROPS; i++)
			sum->drops[i] += READ_ONCE(c->drops[i]);
	}
}

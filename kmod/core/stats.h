/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statistics memory of a table: pools of slots in chunks, laid out as
 * uapi/rtpengine.h says, owned here and mapped read-only by the daemon.
 */
#ifndef RTPE_CORE_STATS_H
#define RTPE_CORE_STATS_H

#include "packet.h"

#define RTPE_SLOTS_PER_CHUNK 64
#define RTPE_MAX_CHUNKS 8192
#define RTPE_NO_SLOT (~0u)
#define RTPE_OUTPUT_MAP_OFFSET ((u64)1 << 40)

/* Distance between the counters of one slot for one CPU and the next. */
#define RTPE_TARGET_STRIDE (RTPE_SLOTS_PER_CHUNK * sizeof(struct rtpe_target_counters))
#define RTPE_OUTPUT_STRIDE (RTPE_SLOTS_PER_CHUNK * sizeof(struct rtpe_counters))

struct rtpe_stats {
	struct rtpe_pool pool;	/* its geometry */
	u32 cpus;
	u32 num_chunks;
	u32 hint;		/* no chunk before this one has a free slot */
	rtpe_lock_t lock;	/* slot allocation */
	u8 **chunks;
	u64 *free_slots;	/* a bit per slot of each chunk */
};

/* Slots with so many bytes of counters per CPU and of details. */
int rtpe_stats_init(struct rtpe_stats *s, u32 cpus, u32 counters_bytes, u32 detail_bytes, u64 map_offset);
void rtpe_stats_exit(struct rtpe_stats *s);

/* A zeroed slot's number; -ENOMEM, or -ENOSPC when all are taken. */
int rtpe_stats_take(struct rtpe_stats *s, u32 *slot);
void rtpe_stats_give(struct rtpe_stats *s, u32 slot);

/* Counters of a slot for CPU 0, and its details. */
void *rtpe_stats_counters(const struct rtpe_stats *s, u32 slot);
void *rtpe_stats_details(const struct rtpe_stats *s, u32 slot);

/* A chunk's memory, or NULL. */
const void *rtpe_stats_chunk(const struct rtpe_stats *s, u32 chunk);

/* Add up the counters that begin at `first` over `cpus` CPUs. */
void rtpe_counters_fold(const struct rtpe_counters *first, u32 cpus, struct rtpe_counters *sum);
void rtpe_target_counters_fold(const struct rtpe_target_counters *first, u32 cpus, struct rtpe_target_counters *sum);

/* This CPU's counters. */
static inline struct rtpe_target_counters *rtpe_target_counters_mine(struct rtpe_target_counters *first)
{
	return (struct rtpe_target_counters *)((u8 *)first + rtpe_cpu() * RTPE_TARGET_STRIDE);
}

static inline struct rtpe_counters *rtpe_counters_mine(struct rtpe_counters *first)
{
	return (struct rtpe_counters *)((u8 *)first + rtpe_cpu() * RTPE_OUTPUT_STRIDE);
}

static inline void rtpe_counters_add(struct rtpe_counters *mine, u32 bytes, u64 now_us)
{
	mine->packets++;
	mine->bytes += bytes;
	mine->last_us = now_us;
}

#endif

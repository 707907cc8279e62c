/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statistics memory of a table: chunks of slots, laid out as
 * uapi/rtpengine.h says, owned here and mapped read-only by the daemon.
 */
#ifndef RTPE_CORE_STATS_H
#define RTPE_CORE_STATS_H

#include "packet.h"

#define RTPE_SLOTS_PER_CHUNK 64
#define RTPE_MAX_CHUNKS 8192
#define RTPE_NO_SLOT (~0u)

struct rtpe_stats {
	u32 cpus;
	u32 chunk_bytes;
	u32 num_chunks;
	u32 hint;		/* no chunk before this one has a free slot */
	rtpe_lock_t lock;	/* slot allocation */
	u8 **chunks;
	u64 *free_slots;	/* a bit per slot of each chunk */
};

int rtpe_stats_init(struct rtpe_stats *s, u32 cpus);
void rtpe_stats_exit(struct rtpe_stats *s);

/* A zeroed slot's number; -ENOMEM, or -ENOSPC when all are taken. */
int rtpe_stats_take(struct rtpe_stats *s, u32 *slot);
void rtpe_stats_give(struct rtpe_stats *s, u32 slot);

/* Counters of a slot for CPU 0; those of the next CPU are RTPE_CPU_STRIDE bytes on. */
#define RTPE_CPU_STRIDE (RTPE_SLOTS_PER_CHUNK * sizeof(struct rtpe_counters))
struct rtpe_counters *rtpe_stats_counters(const struct rtpe_stats *s, u32 slot);
struct rtpe_ssrc *rtpe_stats_ssrc(const struct rtpe_stats *s, u32 slot);

/* A chunk's memory, or NULL. */
const void *rtpe_stats_chunk(const struct rtpe_stats *s, u32 chunk);

/* Adds up the counters that begin at `first` over `cpus` CPUs. */
void rtpe_counters_fold(const struct rtpe_counters *first, u32 cpus, struct rtpe_counters *sum);

/* This CPU's counters. */
static inline struct rtpe_counters *rtpe_counters_mine(struct rtpe_counters *first)
{
	return (struct rtpe_counters *)((u8 *)first + rtpe_cpu() * RTPE_CPU_STRIDE);
}

static inline void rtpe_counters_add(struct rtpe_counters *first, u32 bytes, u64 now_us)
{
	struct rtpe_counters *c = rtpe_counters_mine(first);

	c->packets++;
	c->bytes += bytes;
	c->last_us = now_us;
}

void rtpe_stats_geometry(const struct rtpe_stats *s, struct rtpe_hello_reply *r);

#endif

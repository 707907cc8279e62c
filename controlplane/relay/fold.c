// SPDX-License-Identifier: GPL-3.0-or-later
#include <sys/mman.h>
#include "relay.h"
#include "../../kmod/core/stats.h"

void rtpe_stats_fold_output(const uint8_t *chunk, uint32_t cpus, uint32_t slot, struct rtpe_counters *out)
{
	rtpe_counters_fold((const struct rtpe_counters *)chunk + slot, cpus, out);
}

void rtpe_stats_fold_target(const uint8_t *chunk, uint32_t cpus, uint32_t slot, struct rtpe_target_counters *out)
{
	rtpe_target_counters_fold((const struct rtpe_target_counters *)chunk + slot, cpus, out);
}

uint64_t rtpe_stats_activity_output(const uint8_t *chunk, uint32_t cpus, uint32_t slot)
{
	struct rtpe_counters c;

	rtpe_stats_fold_output(chunk, cpus, slot, &c);
	return c.packets + c.errors;
}

uint64_t rtpe_stats_activity_target(const uint8_t *chunk, uint32_t cpus, uint32_t slot)
{
	struct rtpe_target_counters c;

	rtpe_stats_fold_target(chunk, cpus, slot, &c);
	return c.sum.packets + c.sum.errors;
}

const uint8_t *rtpe_stats_map(int fd, uint64_t offset, size_t len)
{
	void *memory = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)offset);

	return memory == MAP_FAILED ? NULL : memory;
}

void rtpe_stats_unmap(const uint8_t *memory, size_t len)
{
	munmap((void *)(uintptr_t)memory, len);
}

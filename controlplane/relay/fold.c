// SPDX-License-Identifier: GPL-3.0-or-later
#include "relay.h"
#include "../../kmod/core/stats.h"

void rtpe_stats_fold(const uint8_t *chunk, uint32_t cpus, uint32_t slot, struct rtpe_counters *out)
{
	rtpe_counters_fold((const struct rtpe_counters *)chunk + slot, cpus, out);
}

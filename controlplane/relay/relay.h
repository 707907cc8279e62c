/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef RTPE_RELAY_H
#define RTPE_RELAY_H

#include <stddef.h>
#include <stdint.h>
#include "../../kmod/uapi/rtpengine.h"

/* Adds up over `cpus` CPUs the counters of slot `slot` (0 to slots_per_chunk - 1) of a chunk of statistics memory. */
void rtpe_stats_fold(const uint8_t *chunk, uint32_t cpus, uint32_t slot, struct rtpe_counters *out);

#endif

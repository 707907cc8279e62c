/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What libFuzzer, or replay.c in its place, calls with each input. */
#ifndef RTPE_TEST_FUZZ_H
#define RTPE_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_check(int condition)
{
	if (!condition)
		abort();
}

#endif

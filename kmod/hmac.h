/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HMAC-SHA1 (RFC 2104), whatever does the blocks of SHA-1. */
#ifndef RTPE_HMAC_H
#define RTPE_HMAC_H

#include "core/port.h"

#define RTPE_SHA1_BLOCK 64
#define RTPE_SHA1_DIGEST 20

/* States after the block of the padded key. */
struct rtpe_mac {
	u32 inner[5], outer[5];
};

typedef void rtpe_sha1_fn(u32 state[5], const u8 *data, u32 blocks);

/* At most a block, and nothing beyond either end is read: the last 16 bytes may be copied twice. */
static __always_inline void rtpe_hmac_copy(u8 *to, const u8 *from, u32 n)
{
	u32 i;

	if (unlikely(n < 16)) {
		for (i = 0; i < n; i++)
			to[i] = from[i];
		return;
	}
	for (i = 0; i + 16 <= n; i += 16)
		memcpy(to + i, from + i, 16);
	memcpy(to + n - 16, from + n - 16, 16);
}

/*
 * Pads the `rest` bytes in last, zero behind them to the end of the block, of a message
 * with `before` bytes in blocks already done. The digest may take their place.
 */
static __always_inline void rtpe_hmac_finish(u32 state[5], u8 last[2 * RTPE_SHA1_BLOCK], u32 rest, u32 before,
					     u8 digest[RTPE_SHA1_DIGEST], rtpe_sha1_fn *sha1)
{
	u32 blocks = rest + 9 <= RTPE_SHA1_BLOCK ? 1 : 2, i;

	last[rest] = 0x80;
	rtpe_write32((before + rest) * 8, last + blocks * RTPE_SHA1_BLOCK - 4);
	sha1(state, last, blocks);
#pragma GCC unroll 5
	for (i = 0; i < 5; i++)
		rtpe_write32(state[i], digest + 4 * i);
}

/* Messages end below half a gigabyte. */
static __always_inline void rtpe_hmac(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4],
				      u8 digest[RTPE_SHA1_DIGEST], rtpe_sha1_fn *sha1)
{
	u32 whole = len / RTPE_SHA1_BLOCK, rest = len % RTPE_SHA1_BLOCK;
	u8 last[2 * RTPE_SHA1_BLOCK] RTPE_UNINIT;
	u32 state[5] RTPE_UNINIT;

	memcpy(state, m->inner, sizeof(state));
	sha1(state, data, whole);
	memset(last, 0, RTPE_SHA1_BLOCK);
	if (rest + 4 + 9 > RTPE_SHA1_BLOCK)
		memset(last + RTPE_SHA1_BLOCK, 0, RTPE_SHA1_BLOCK);
	rtpe_hmac_copy(last, data + len - rest, rest);
	if (tail) {
		memcpy(last + rest, tail, 4);
		rest += 4;
	}
	rtpe_hmac_finish(state, last, rest, (1 + whole) * RTPE_SHA1_BLOCK, last, sha1);
	memset(last + RTPE_SHA1_DIGEST, 0, RTPE_SHA1_BLOCK - RTPE_SHA1_DIGEST);
	memcpy(state, m->outer, sizeof(state));
	rtpe_hmac_finish(state, last, RTPE_SHA1_DIGEST, RTPE_SHA1_BLOCK, digest, sha1);
}

#endif

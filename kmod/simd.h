/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AES in counter mode, GHASH and SHA-1 with the vector instructions of x86-64.
 * simd.c is compiled with them (see Kbuild): whoever calls these has seen that the
 * processor has them, and is between kernel_fpu_begin() and kernel_fpu_end().
 */
#ifndef RTPE_SIMD_H
#define RTPE_SIMD_H

#include "hmac.h"

#define RTPE_GHASH_POWERS 4

/* Powers 1 to 4 of the hash key, in the form that rtpe_simd_ghash() wants. */
struct rtpe_ghash_key {
	u8 powers[RTPE_GHASH_POWERS][16];
};

/* XORs the key stream onto data; the last 32 bits of iv count blocks. keys: rounds + 1 of 16 bytes. */
void rtpe_simd_ctr(const void *keys, u32 rounds, const u8 iv[16], u8 *data, u32 len);

void rtpe_simd_ghash_key(struct rtpe_ghash_key *k, const u8 h[16]);

/* Data are filled up with zeros to whole blocks. */
void rtpe_simd_ghash(const struct rtpe_ghash_key *k, u8 hash[16], const u8 *data, u32 len);

/* HMAC-SHA1 over data and, unless that is NULL, the tail; _ni: with the instructions for SHA. */
void rtpe_simd_hmac(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 digest[20]);
void rtpe_simd_hmac_ni(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 digest[20]);

#endif

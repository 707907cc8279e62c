/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What simd.h has, for other processors and for moments when vectors may not be used: slow, and right. */
#ifndef RTPE_PLAIN_H
#define RTPE_PLAIN_H

#include <crypto/aes.h>
#include "hmac.h"

void rtpe_plain_ctr(const struct crypto_aes_ctx *key, const u8 iv[16], u8 *data, u32 len);
void rtpe_plain_ghash(const u8 h[16], u8 hash[16], const u8 *data, u32 len);
void rtpe_plain_sha1(u32 state[5], const u8 *data, u32 blocks);
void rtpe_plain_hmac(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 digest[20]);

#endif

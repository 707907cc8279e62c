// SPDX-License-Identifier: GPL-2.0-or-later
#include "plain.h"

void rtpe_plain_ctr(const struct crypto_aes_ctx *key, const u8 iv[16], u8 *data, u32 len)
{
	u8 counter[16], stream[16];
	u32 i, n;

	memcpy(counter, iv, sizeof(counter));
	for (; len; len -= n, data += n) {
		aes_encrypt(key, stream, counter);
		n = len < 16 ? len : 16;
		for (i = 0; i < n; i++)
			data[i] ^= stream[i];
		rtpe_write32(rtpe_read32(counter + 12) + 1, counter + 12);
	}
}

/* hash times h, bit by bit: no table whose use would tell bits of the key. */
static void multiply(u64 *high, u64 *low, u64 h_high, u64 h_low)
{
	u64 a = *high, b = *low, mask;
	u32 i;

	*high = *low = 0;
	for (i = 0; i < 128; i++) {
		mask = -(a >> 63);
		*high ^= h_high & mask;
		*low ^= h_low & mask;
		a = a << 1 | b >> 63;
		b <<= 1;
		mask = -(h_low & 1);
		h_low = h_low >> 1 | h_high << 63;
		h_high = h_high >> 1 ^ (mask & 0xe100000000000000ull);
	}
}

void rtpe_plain_ghash(const u8 h[16], u8 hash[16], const u8 *data, u32 len)
{
	u64 h_high = get_unaligned_be64(h), h_low = get_unaligned_be64(h + 8), high, low;
	u32 i, n;

	for (; len; len -= n, data += n) {
		n = len < 16 ? len : 16;
		for (i = 0; i < n; i++)
			hash[i] ^= data[i];
		high = get_unaligned_be64(hash);
		low = get_unaligned_be64(hash + 8);
		multiply(&high, &low, h_high, h_low);
		put_unaligned_be64(high, hash);
		put_unaligned_be64(low, hash + 8);
	}
}

static u32 mix(u32 i, u32 b, u32 c, u32 d)
{
	switch (i / 20) {
	case 0:
		return (d ^ (b & (c ^ d))) + 0x5a827999;
	case 1:
		return (b ^ c ^ d) + 0x6ed9eba1;
	case 2:
		return ((b & c) + (d & (b ^ c))) + 0x8f1bbcdc;
	}
	return (b ^ c ^ d) + 0xca62c1d6;
}

static void sha1_block(u32 state[5], const u8 *data)
{
	u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], w[16], i, sum;

	for (i = 0; i < 80; i++) {
		if (i < 16)
			w[i] = rtpe_read32(data + 4 * i);
		else
			w[i % 16] = rol32(w[(i + 13) % 16] ^ w[(i + 8) % 16] ^ w[(i + 2) % 16] ^ w[i % 16], 1);
		sum = rol32(a, 5) + mix(i, b, c, d) + e + w[i % 16];
		e = d;
		d = c;
		c = rol32(b, 30);
		b = a;
		a = sum;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void rtpe_plain_sha1(u32 state[5], const u8 *data, u32 blocks)
{
	for (; blocks; blocks--, data += 64)
		sha1_block(state, data);
}

void rtpe_plain_hmac(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 digest[20])
{
	rtpe_hmac(m, data, len, tail, digest, rtpe_plain_sha1);
}

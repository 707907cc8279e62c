// SPDX-License-Identifier: GPL-2.0-or-later
#include "simd.h"

#ifndef __CHECKER__	/* sparse knows no vectors */

typedef long long rtpe_v2 __attribute__((vector_size(16)));
typedef u32 rtpe_v4 __attribute__((vector_size(16)));
typedef u32 rtpe_v8 __attribute__((vector_size(32)));
typedef u32 rtpe_unaligned8 __attribute__((vector_size(32), aligned(1)));
typedef int rtpe_v4s __attribute__((vector_size(16)));
typedef u8 rtpe_v16 __attribute__((vector_size(16)));
typedef u8 rtpe_v32 __attribute__((vector_size(32)));
typedef u8 rtpe_unaligned __attribute__((vector_size(16), aligned(1)));

#define LOAD(p) (*(const rtpe_unaligned *)(p))
#define STORE(p, v) (*(rtpe_unaligned *)(p) = (rtpe_unaligned)(v))
#define REVERSED(v) __builtin_shufflevector((rtpe_v16)(v), (rtpe_v16)(v), \
					    15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define BIG_ENDIAN_WORDS(v) __builtin_shufflevector(v, v, 3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12, \
						    19, 18, 17, 16, 23, 22, 21, 20, 27, 26, 25, 24, 31, 30, 29, 28)
#define HALVES_SWAPPED(v) __builtin_shufflevector((rtpe_v2)(v), (rtpe_v2)(v), 1, 0)

/* AES ------------------------------------------------------------------- */

/* Blocks that are under way at once, each in a register of its own; ten are 20 ms of G.711. */
#define EACH_OF_1(f) f(0)
#define EACH_OF_2(f) EACH_OF_1(f) f(1)
#define EACH_OF_4(f) EACH_OF_2(f) f(2) f(3)
#define EACH_OF_10(f) EACH_OF_4(f) f(4) f(5) f(6) f(7) f(8) f(9)

#define COUNTER(i) rtpe_v2 b##i = (rtpe_v2)REVERSED(counter) ^ key; counter += one;
#define ROUND_OF(i) b##i = __builtin_ia32_aesenc128(b##i, key);
#define LAST_ROUND_OF(i) b##i = __builtin_ia32_aesenclast128(b##i, key);
#define XOR_DATA(i) STORE(data + 16 * i, LOAD(data + 16 * i) ^ (rtpe_v16)b##i);
#define STORE_STREAM(i) STORE(stream + 16 * i, b##i);

/* The counter is kept with its bytes reversed. */
#define ENCRYPT(each, use) do { \
		const u8 *at = keys; \
		rtpe_v2 key = (rtpe_v2)LOAD(at); \
		\
		each(COUNTER) \
		while ((at += 16) != last) { \
			key = (rtpe_v2)LOAD(at); \
			each(ROUND_OF) \
		} \
		key = (rtpe_v2)LOAD(last); \
		each(LAST_ROUND_OF) \
		each(use) \
	} while (0)
#define ENCRYPT_DATA(each, n) do { \
		ENCRYPT(each, XOR_DATA); \
		data += 16 * (n); \
		len -= 16 * (n); \
	} while (0)

void rtpe_simd_ctr(const void *keys, u32 rounds, const u8 iv[16], u8 *data, u32 len)
{
	const u8 *last = (const u8 *)keys + 16 * rounds;
	const rtpe_v4 one = { 1, 0, 0, 0 };
	rtpe_v4 counter = (rtpe_v4)REVERSED(LOAD(iv));
	u8 stream[16] RTPE_UNINIT;
	u32 i;

	while (len >= 160)
		ENCRYPT_DATA(EACH_OF_10, 10);
	while (len >= 64)
		ENCRYPT_DATA(EACH_OF_4, 4);
	if (len >= 32)
		ENCRYPT_DATA(EACH_OF_2, 2);
	if (len >= 16)
		ENCRYPT_DATA(EACH_OF_1, 1);
	if (!len)
		return;
	ENCRYPT(EACH_OF_1, STORE_STREAM);
	for (i = 0; i < len; i++)
		data[i] ^= stream[i];
}

/* GHASH ----------------------------------------------------------------- */

/*
 * Blocks are taken with their bytes reversed, and the key times x: then the product
 * of both without carries, 256 bits, needs no shift before it is reduced.
 */
struct product {
	rtpe_v2 low, middle, high;
};

static inline __attribute__((always_inline)) void multiply_add(struct product *p, rtpe_v2 a, rtpe_v2 b)
{
	p->low ^= __builtin_ia32_pclmulqdq128(a, b, 0x00);
	p->high ^= __builtin_ia32_pclmulqdq128(a, b, 0x11);
	p->middle ^= __builtin_ia32_pclmulqdq128(a, b, 0x01) ^ __builtin_ia32_pclmulqdq128(a, b, 0x10);
}

/* Modulo x^128 + x^127 + x^126 + x^121 + 1, half by half. */
static inline __attribute__((always_inline)) rtpe_v2 reduce(const struct product *p)
{
	const rtpe_v2 polynomial = { (long long)0xc200000000000000ull, 0 };
	rtpe_v2 zero = { 0 };
	rtpe_v2 low = p->low ^ __builtin_shufflevector(zero, p->middle, 0, 2);
	rtpe_v2 high = p->high ^ __builtin_shufflevector(p->middle, zero, 1, 2);

	low = HALVES_SWAPPED(low) ^ __builtin_ia32_pclmulqdq128(low, polynomial, 0x00);
	low = HALVES_SWAPPED(low) ^ __builtin_ia32_pclmulqdq128(low, polynomial, 0x00);
	return high ^ low;
}

static inline __attribute__((always_inline)) rtpe_v2 multiply(rtpe_v2 a, rtpe_v2 b)
{
	struct product p = { { 0 }, { 0 }, { 0 } };

	multiply_add(&p, a, b);
	return reduce(&p);
}

static inline rtpe_v2 power(const struct rtpe_ghash_key *k, u32 n)
{
	return (rtpe_v2)LOAD(k->powers[n - 1]);
}

void rtpe_simd_ghash_key(struct rtpe_ghash_key *k, const u8 h[16])
{
	const rtpe_v2 overflow = { 1, (long long)0xc200000000000000ull };
	rtpe_v2 v = (rtpe_v2)REVERSED(LOAD(h)), carries, first;
	u32 n;

	carries = (rtpe_v2){ v[1] < 0 ? -1 : 0, v[1] < 0 ? -1 : 0 };
	v = (rtpe_v2){ (long long)((u64)v[0] << 1), (long long)((u64)v[1] << 1 | (u64)v[0] >> 63) };
	v ^= carries & overflow;
	first = v;
	for (n = 0; n < RTPE_GHASH_POWERS; n++) {
		STORE(k->powers[n], v);
		v = multiply(v, first);
	}
}

void rtpe_simd_ghash(const struct rtpe_ghash_key *k, u8 hash[16], const u8 *data, u32 len)
{
	rtpe_v2 sum = (rtpe_v2)REVERSED(LOAD(hash));
	u8 rest[16] = { 0 };
	u32 n, i;

	while (len) {
		struct product p = { { 0 }, { 0 }, { 0 } };

		if (len < 16) {
			for (i = 0; i < len; i++)
				rest[i] = data[i];
			data = rest;
			len = 16;
		}
		n = len >= 64 ? 4 : len / 16;
		multiply_add(&p, sum ^ (rtpe_v2)REVERSED(LOAD(data)), power(k, n));
		for (i = 1; i < n; i++)
			multiply_add(&p, (rtpe_v2)REVERSED(LOAD(data + 16 * i)), power(k, n - i));
		sum = reduce(&p);
		data += 16 * n;
		len -= 16 * n;
	}
	STORE(hash, REVERSED(sum));
}

/* SHA-1 ----------------------------------------------------------------- */

static inline u32 rol(u32 x, u32 n)
{
	return x << n | x >> (32 - n);
}

/*
 * The message schedule is made four words at a time, for two blocks side by side:
 * words[] has the last 32 of each, sums[] all 80 with their constants, four of the
 * one block, four of the other, and so on.
 */
#define SUMS (2 * 80)
#define SUM(t) sums[(t) / 4 * 8 + (t) % 4]
#define CONSTANT(i) ((i) < 5 ? 0x5a827999u : (i) < 10 ? 0x6ed9eba1u : (i) < 15 ? 0x8f1bbcdcu : 0xca62c1d6u)
#define W(i) words[(i) & 7]
#define ROL8(v, n) ((v) << (n) | (v) >> (32 - (n)))
#define LAST_2_FIRST_2(v, next) __builtin_shufflevector(v, next, 2, 3, 8, 9, 6, 7, 12, 13)

/* Words 0 to 15. */
static inline __attribute__((always_inline)) rtpe_v8 first_words(const u8 *a, const u8 *b)
{
	rtpe_v32 both = (rtpe_v32)__builtin_shufflevector((rtpe_v4)LOAD(a), (rtpe_v4)LOAD(b), 0, 1, 2, 3, 4, 5, 6, 7);

	return (rtpe_v8)BIG_ENDIAN_WORDS(both);
}

/* Words 16 to 31: the last of the four hangs on the first. */
static inline __attribute__((always_inline)) rtpe_v8 early_words(const rtpe_v8 *words, u32 i)
{
	rtpe_v8 zero = { 0 };
	rtpe_v8 v = LAST_2_FIRST_2(W(i - 4), W(i - 3)) ^ W(i - 4) ^ W(i - 2) ^
		    __builtin_shufflevector(W(i - 1), zero, 1, 2, 3, 8, 5, 6, 7, 12);
	rtpe_v8 last = __builtin_shufflevector(zero, v, 1, 2, 3, 8, 5, 6, 7, 12);

	return ROL8(v, 1) ^ ROL8(last, 2);
}

/* Words 32 to 79, by the recurrence two steps back. */
static inline __attribute__((always_inline)) rtpe_v8 late_words(const rtpe_v8 *words, u32 i)
{
	rtpe_v8 v = LAST_2_FIRST_2(W(i - 2), W(i - 1)) ^ W(i - 4) ^ W(i - 7) ^ W(i);

	return ROL8(v, 2);
}

#define WORDS(i) do { \
		W(i) = (i) < 4 ? first_words(a + 16 * (i), b + 16 * (i)) : \
		       (i) < 8 ? early_words(words, i) : late_words(words, i); \
		*(rtpe_unaligned8 *)(sums + 8 * (i)) = W(i) + CONSTANT(i); \
	} while (0)
#define WORDS_5(i) do { WORDS(i); WORDS((i) + 1); WORDS((i) + 2); WORDS((i) + 3); WORDS((i) + 4); } while (0)

static __attribute__((__noinline__)) void sha1_schedule(u32 *sums, const u8 *a, const u8 *b)
{
	rtpe_v8 words[8];

	WORDS_5(0);
	WORDS_5(5);
	WORDS_5(10);
	WORDS_5(15);
}

/* A value that the compiler takes as it is: left alone, it finds forms with more instructions. */
static inline u32 as_is(u32 x)
{
	__asm__("" : "+r"(x));
	return x;
}

static inline u32 choose(u32 x, u32 y, u32 z)
{
	return as_is(~x & z) + (x & y);
}

static inline u32 parity(u32 x, u32 y, u32 z)
{
	return as_is(x ^ y) ^ z;
}

static inline u32 majority(u32 x, u32 y, u32 z)
{
	u32 differ = as_is(x ^ y);

	return as_is(y & ~differ) + (z & differ);
}

/* The old w is not needed any more once it is rotated, so that f() needs no copy of it. */
#define ROUND(f, v, w, x, y, z, t) do { \
		u32 old = w; \
		\
		w = as_is(rol(old, 30)); \
		z = as_is(z + SUM(t)); \
		z = as_is(z + f(old, x, y)); \
		z += rol(v, 5); \
	} while (0)
#define ROUNDS_5(f, t) do { \
		ROUND(f, a, b, c, d, e, t); \
		ROUND(f, e, a, b, c, d, (t) + 1); \
		ROUND(f, d, e, a, b, c, (t) + 2); \
		ROUND(f, c, d, e, a, b, (t) + 3); \
		ROUND(f, b, c, d, e, a, (t) + 4); \
	} while (0)
#define ROUNDS_20(f, t) do { \
		ROUNDS_5(f, t); ROUNDS_5(f, (t) + 5); ROUNDS_5(f, (t) + 10); ROUNDS_5(f, (t) + 15); \
	} while (0)

static __attribute__((__noinline__)) void sha1_rounds(u32 state[5], const u32 *sums, u32 blocks)
{
	u32 a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	for (; blocks; blocks--, sums += 4) {
		ROUNDS_20(choose, 0);
		ROUNDS_20(parity, 20);
		ROUNDS_20(majority, 40);
		ROUNDS_20(parity, 60);
		state[0] = a += state[0];
		state[1] = b += state[1];
		state[2] = c += state[2];
		state[3] = d += state[3];
		state[4] = e += state[4];
	}
}

static inline __attribute__((always_inline)) void sha1(u32 state[5], const u8 *data, u32 blocks)
{
	u32 sums[SUMS] RTPE_UNINIT;

	for (; blocks >= 2; blocks -= 2, data += 128) {
		sha1_schedule(sums, data, data + 64);
		sha1_rounds(state, sums, 2);
	}
	if (blocks) {
		sha1_schedule(sums, data, data);
		sha1_rounds(state, sums, 1);
	}
}

/* The instructions want the first word on top. */
#define FIRST_ON_TOP(v) __builtin_shufflevector((rtpe_v4s)(v), (rtpe_v4s)(v), 3, 2, 1, 0)

/* Rounds 4 i to 4 i + 3; m[] has the last 16 words. */
#define NI_ROUNDS(i) do { \
		rtpe_v4s before = abcd; \
		\
		e = (i) ? __builtin_ia32_sha1nexte(e, m[(i) & 3]) : (rtpe_v4s)((rtpe_v4)e + (rtpe_v4)m[0]); \
		abcd = __builtin_ia32_sha1rnds4(abcd, e, (i) / 5); \
		e = before; \
		if ((i) < 16) \
			m[(i) & 3] = __builtin_ia32_sha1msg2( \
				__builtin_ia32_sha1msg1(m[(i) & 3], m[((i) + 1) & 3]) ^ m[((i) + 2) & 3], \
				m[((i) + 3) & 3]); \
	} while (0)
#define NI_ROUNDS_5(i) do { \
		NI_ROUNDS(i); NI_ROUNDS((i) + 1); NI_ROUNDS((i) + 2); NI_ROUNDS((i) + 3); NI_ROUNDS((i) + 4); \
	} while (0)

static void sha1_ni(u32 state[5], const u8 *data, u32 blocks)
{
	rtpe_v4s abcd = FIRST_ON_TOP(LOAD(state)), e = { 0, 0, 0, (int)state[4] }, abcd_at_start, e_at_start, m[4];
	u32 i;

	for (; blocks; blocks--, data += 64) {
		abcd_at_start = abcd;
		e_at_start = e;
		for (i = 0; i < 4; i++)
			m[i] = (rtpe_v4s)REVERSED(LOAD(data + 16 * i));
		NI_ROUNDS_5(0);
		NI_ROUNDS_5(5);
		NI_ROUNDS_5(10);
		NI_ROUNDS_5(15);
		e = __builtin_ia32_sha1nexte(e, e_at_start);
		abcd = (rtpe_v4s)((rtpe_v4)abcd + (rtpe_v4)abcd_at_start);
	}
	STORE(state, FIRST_ON_TOP(abcd));
	state[4] = (u32)e[3];
}

/* HMAC ------------------------------------------------------------------ */

void rtpe_simd_hmac(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 digest[20])
{
	rtpe_hmac(m, data, len, tail, digest, sha1);
}

void rtpe_simd_hmac_ni(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 digest[20])
{
	rtpe_hmac(m, data, len, tail, digest, sha1_ni);
}

#endif

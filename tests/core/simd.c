// SPDX-License-Identifier: GPL-3.0-or-later
/* The kernel's vector code against OpenSSL, as far as this processor has the instructions. */
#pragma GCC target("avx2,aes,pclmul,bmi,bmi2,sha")
#define OPENSSL_SUPPRESS_DEPRECATED	/* AES_KEY: round keys in the order that the instructions want */
#include "../../kmod/simd.c"

#include "check.h"
#include "support.h"

#include <openssl/aes.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>

#define LONGEST 400

static bool cannot(void)
{
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("aes") && __builtin_cpu_supports("pclmul") &&
	    __builtin_cpu_supports("bmi2"))
		return false;
	fprintf(stderr, "this processor has no AVX2, AES, PCLMULQDQ and BMI2: not tested\n");
	return true;
}

/* SHA instructions: CPUID leaf 7. */
static bool has_sha(void)
{
	u32 a = 7, b, c = 0, d;

	__asm__("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b & 1u << 29;
}

static void fill(u8 *to, u32 len)
{
	while (len--)
		*to++ = (u8)random_next();
}

static const struct {
	u32 key_len;
	const EVP_CIPHER *(*ctr)(void), *(*gcm)(void);
} sizes[] = {
	{ 16, EVP_aes_128_ctr, EVP_aes_128_gcm },
	{ 24, EVP_aes_192_ctr, EVP_aes_192_gcm },
	{ 32, EVP_aes_256_ctr, EVP_aes_256_gcm },
};

TEST(simd_counter_mode)
{
	u8 key[32], iv[16], data[LONGEST], expected[LONGEST];
	EVP_CIPHER_CTX *its = EVP_CIPHER_CTX_new();
	AES_KEY round_keys;
	u32 i, len;
	int n;

	for (i = 0; i < COUNT(sizes) && !cannot(); i++) {
		for (len = 0; len <= LONGEST; len++) {
			fill(key, sizeof(key));
			fill(iv, sizeof(iv));
			iv[14] = 0xff;		/* goes over into the next byte */
			iv[12] = 0;
			fill(data, sizeof(data));
			memcpy(expected, data, sizeof(data));
			CHECK(EVP_EncryptInit_ex(its, sizes[i].ctr(), NULL, key, iv));
			CHECK(!len || EVP_EncryptUpdate(its, expected, &n, data, (int)len));
			CHECK(!AES_set_encrypt_key(key, (int)sizes[i].key_len * 8, &round_keys));
			rtpe_simd_ctr(round_keys.rd_key, (u32)round_keys.rounds, iv, data, len);
			CHECK(!memcmp(data, expected, sizeof(data)));
		}
	}
	EVP_CIPHER_CTX_free(its);
}

/* The tag of GCM is GHASH, encrypted: so the right tag shows that GHASH is right. */
static void compare_tag(EVP_CIPHER_CTX *its, u32 size, u32 aad_len, u32 len)
{
	u8 key[32], iv[16] = { 0 }, data[LONGEST], expected[16], tag[16] = { 0 }, h[16] = { 0 }, lengths[16] = { 0 };
	struct rtpe_ghash_key powers;
	AES_KEY round_keys;
	int n;

	fill(key, sizeof(key));
	fill(iv, 12);
	fill(data, sizeof(data));
	CHECK(EVP_EncryptInit_ex(its, sizes[size].gcm(), NULL, key, iv));
	CHECK(!aad_len || EVP_EncryptUpdate(its, NULL, &n, data, (int)aad_len));
	CHECK(!len || EVP_EncryptUpdate(its, data + aad_len, &n, data + aad_len, (int)len));
	CHECK(EVP_EncryptFinal_ex(its, expected, &n));
	CHECK(EVP_CIPHER_CTX_ctrl(its, EVP_CTRL_AEAD_GET_TAG, 16, expected));

	CHECK(!AES_set_encrypt_key(key, (int)sizes[size].key_len * 8, &round_keys));
	rtpe_simd_ctr(round_keys.rd_key, (u32)round_keys.rounds, tag, h, sizeof(h));
	rtpe_simd_ghash_key(&powers, h);
	rtpe_simd_ghash(&powers, tag, data, aad_len);
	rtpe_simd_ghash(&powers, tag, data + aad_len, len);
	rtpe_write32(aad_len * 8, lengths + 4);
	rtpe_write32(len * 8, lengths + 12);
	rtpe_simd_ghash(&powers, tag, lengths, sizeof(lengths));
	iv[15] = 1;
	rtpe_simd_ctr(round_keys.rd_key, (u32)round_keys.rounds, iv, tag, sizeof(tag));
	CHECK(!memcmp(tag, expected, sizeof(tag)));
}

TEST(simd_ghash)
{
	EVP_CIPHER_CTX *its = EVP_CIPHER_CTX_new();
	u32 i, len;

	for (i = 0; i < COUNT(sizes) && !cannot(); i++)
		for (len = 0; len <= LONGEST - 40; len++)
			compare_tag(its, i, random_below(40), len);
	EVP_CIPHER_CTX_free(its);
}

static void expand(struct rtpe_mac *m, const u8 key[20])
{
	static const u32 start[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	u8 inner[64], outer[64];
	u32 i;

	for (i = 0; i < 64; i++) {
		inner[i] = (i < 20 ? key[i] : 0) ^ 0x36;
		outer[i] = (i < 20 ? key[i] : 0) ^ 0x5c;
	}
	memcpy(m->inner, start, sizeof(start));
	memcpy(m->outer, start, sizeof(start));
	sha1(m->inner, inner, 1);
	sha1(m->outer, outer, 1);
}

TEST(simd_hmac)
{
	u8 key[20], *data, expected[20], found[20];
	struct rtpe_mac m;
	u32 len, tail;
	unsigned int n;

	for (len = 0; len <= LONGEST && !cannot(); len++) {
		tail = len % 2 ? 4 : 0;
		data = malloc(len + 4);
		fill(key, sizeof(key));
		fill(data, len + 4);
		CHECK(HMAC(EVP_sha1(), key, sizeof(key), data, len + tail, expected, &n));
		expand(&m, key);
		rtpe_simd_hmac(&m, data, len, tail ? data + len : NULL, found);
		CHECK(!memcmp(found, expected, sizeof(found)));
		if (has_sha()) {
			rtpe_simd_hmac_ni(&m, data, len, tail ? data + len : NULL, found);
			CHECK(!memcmp(found, expected, sizeof(found)));
		}
		free(data);
	}
}

/* Nothing beyond the end is read: AddressSanitizer looks at buffers of the very length. */
TEST(simd_reads_nothing_behind_the_end)
{
	u8 keys[240] = { 0 }, iv[16] = { 0 }, hash[16] = { 0 }, digest[20], *data;
	struct rtpe_ghash_key powers;
	struct rtpe_mac m = { 0 };
	u32 len;

	for (len = 0; len < 300 && !cannot(); len++) {
		data = malloc(len ? len : 1);
		fill(data, len);
		rtpe_simd_ctr(keys, 10, iv, data, len);
		rtpe_simd_ghash_key(&powers, iv);
		rtpe_simd_ghash(&powers, hash, data, len);
		rtpe_simd_hmac(&m, data, len, NULL, digest);
		if (has_sha())
			rtpe_simd_hmac_ni(&m, data, len, NULL, digest);
		free(data);
	}
}

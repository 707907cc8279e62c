// SPDX-License-Identifier: GPL-3.0-or-later
/* The ciphers of the relay against OpenSSL's own counter mode, GCM and HMAC. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "check.h"
#include "../../controlplane/relay/cipher.h"

#define LONGEST 1500
#define TAG_LEN 16
#define AAD_MAX 64

struct mode {
	u8 cipher;
	u32 key_len;
	const EVP_CIPHER *(*evp)(void);
};

static const struct mode counter_modes[] = {
	{ RTPE_CIPHER_AES_CM_128, 16, EVP_aes_128_ctr },
	{ RTPE_CIPHER_AES_CM_192, 24, EVP_aes_192_ctr },
	{ RTPE_CIPHER_AES_CM_256, 32, EVP_aes_256_ctr },
};

static const struct mode gcm_modes[] = {
	{ RTPE_CIPHER_AES_GCM_128, 16, EVP_aes_128_gcm },
	{ RTPE_CIPHER_AES_GCM_256, 32, EVP_aes_256_gcm },
};

static const struct rtpe_cipher_ops *const ops = &rtpe_openssl_ciphers;

static u32 next_random(void)
{
	static u32 state = 1;

	return (state = state * 1664525 + 1013904223) >> 8;
}

static void fill(u8 *to, u32 len)
{
	while (len--)
		*to++ = (u8)next_random();
}

static void open_mode(const struct mode *m, struct rtpe_cipher **c, EVP_CIPHER_CTX **its)
{
	u8 key[32];

	fill(key, sizeof(key));
	CHECK_EQ(ops->cipher_open(c, m->cipher, key, m->key_len), 0);
	*its = EVP_CIPHER_CTX_new();
	CHECK(EVP_EncryptInit_ex2(*its, m->evp(), key, NULL, NULL));
}

static void compare_counter(struct rtpe_cipher *c, EVP_CIPHER_CTX *its, u32 len)
{
	u8 iv[16], data[LONGEST + 1], expected[LONGEST + 1];
	int n;

	fill(iv, sizeof(iv));
	iv[14] = iv[15] = 0;	/* as SRTP has it */
	fill(data, sizeof(data));
	memcpy(expected, data, sizeof(data));
	CHECK(EVP_EncryptInit_ex2(its, NULL, NULL, iv, NULL));
	CHECK(!len || EVP_EncryptUpdate(its, expected, &n, data, (int)len));
	CHECK_EQ(ops->ctr(c, iv, data, len), 0);
	CHECK(!memcmp(data, expected, sizeof(data)));
}

TEST(cipher_counter_mode_is_openssls_for_every_length)
{
	struct rtpe_cipher *c;
	EVP_CIPHER_CTX *its;
	u32 i, len;

	for (i = 0; i < COUNT(counter_modes); i++) {
		open_mode(&counter_modes[i], &c, &its);
		for (len = 0; len <= LONGEST; len++)
			compare_counter(c, its, len);
		EVP_CIPHER_CTX_free(its);
		ops->cipher_close(c);
	}
}

TEST(cipher_counter_mode_goes_up_to_65536_blocks)
{
	static u8 data[1 << 20], expected[1 << 20];
	u8 iv[16] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct rtpe_cipher *c;
	EVP_CIPHER_CTX *its;
	int n;

	open_mode(&counter_modes[0], &c, &its);
	CHECK(EVP_EncryptInit_ex2(its, NULL, NULL, iv, NULL));
	CHECK(EVP_EncryptUpdate(its, expected, &n, data, sizeof(data)));
	CHECK_EQ(ops->ctr(c, iv, data, sizeof(data)), 0);
	CHECK(!memcmp(data, expected, sizeof(data)));
	EVP_CIPHER_CTX_free(its);
	ops->cipher_close(c);
}

static void evp_seal(EVP_CIPHER_CTX *its, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	int n;

	CHECK(EVP_EncryptInit_ex2(its, NULL, NULL, iv, NULL));
	CHECK(!aad_len || EVP_EncryptUpdate(its, NULL, &n, aad, (int)aad_len));
	CHECK(!len || EVP_EncryptUpdate(its, data, &n, data, (int)len));
	CHECK(EVP_EncryptFinal_ex(its, data + len, &n));
	CHECK(EVP_CIPHER_CTX_ctrl(its, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, data + len));
}

/* Sealed alike, opened again; with a wrong bit anywhere refused, and then as it was. */
static void compare_gcm(struct rtpe_cipher *c, EVP_CIPHER_CTX *its, u32 aad_len, u32 len)
{
	u8 iv[12], aad[AAD_MAX], plain[LONGEST + TAG_LEN], data[LONGEST + TAG_LEN], sealed[LONGEST + TAG_LEN];
	u32 all = len + TAG_LEN, at = next_random() % all;

	fill(iv, sizeof(iv));
	fill(aad, sizeof(aad));
	fill(plain, sizeof(plain));
	memcpy(sealed, plain, sizeof(plain));
	evp_seal(its, iv, aad, aad_len, sealed, len);
	memcpy(data, plain, sizeof(plain));
	CHECK_EQ(ops->seal(c, iv, aad, aad_len, data, len), 0);
	CHECK(!memcmp(data, sealed, sizeof(data)));
	CHECK_EQ(ops->unseal(c, iv, aad, aad_len, data, len), 0);
	CHECK(!memcmp(data, plain, len) && !memcmp(data + len, sealed + len, TAG_LEN));

	memcpy(data, sealed, all);
	data[at] ^= (u8)(1 << next_random() % 8);
	memcpy(plain, data, all);
	CHECK_EQ(ops->unseal(c, iv, aad, aad_len, data, len), -EBADMSG);
	CHECK(!memcmp(data, plain, all));

	memcpy(data, sealed, all);
	if (aad_len) {
		aad[next_random() % aad_len] ^= 1;
		CHECK_EQ(ops->unseal(c, iv, aad, aad_len, data, len), -EBADMSG);
	}
}

TEST(cipher_gcm_is_openssls_for_every_length)
{
	struct rtpe_cipher *c;
	EVP_CIPHER_CTX *its;
	u32 i, len;

	for (i = 0; i < COUNT(gcm_modes); i++) {
		open_mode(&gcm_modes[i], &c, &its);
		for (len = 0; len <= LONGEST; len++)
			compare_gcm(c, its, next_random() % (AAD_MAX + 1), len);
		EVP_CIPHER_CTX_free(its);
		ops->cipher_close(c);
	}
}

static void compare_hmac(const u8 *key, u32 key_len, u32 len, bool tail)
{
	u8 data[LONGEST + 4], expected[20], found[20];
	struct rtpe_mac *m;
	unsigned int n;

	fill(data, sizeof(data));
	CHECK(HMAC(EVP_sha1(), key, (int)key_len, data, len + (tail ? 4 : 0), expected, &n));
	CHECK_EQ(ops->mac_open(&m, key, key_len), 0);
	CHECK_EQ(ops->mac(m, data, len, tail ? data + len : NULL, found), 0);
	CHECK(!memcmp(found, expected, sizeof(found)));
	CHECK_EQ(ops->mac(m, data, len, tail ? data + len : NULL, found), 0);
	CHECK(!memcmp(found, expected, sizeof(found)));
	ops->mac_close(m);
}

TEST(cipher_hmac_is_openssls_for_every_length)
{
	u8 key[65];
	u32 len;

	fill(key, sizeof(key));
	for (len = 0; len <= LONGEST; len++)
		compare_hmac(key, len < 65 ? len : 20, len, len & 1);
}

TEST(cipher_refuses_keys_of_another_length)
{
	u8 key[80] = { 0 };
	struct rtpe_cipher *c;
	struct rtpe_mac *m;

	CHECK_EQ(ops->cipher_open(&c, RTPE_CIPHER_AES_CM_128, key, 32), -EOPNOTSUPP);
	CHECK_EQ(ops->cipher_open(&c, RTPE_CIPHER_AES_GCM_256, key, 16), -EOPNOTSUPP);
	CHECK_EQ(ops->cipher_open(&c, RTPE_CIPHER_NONE, key, 16), -EOPNOTSUPP);
	CHECK_EQ(ops->mac_open(&m, key, 65), -EOPNOTSUPP);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Ciphers by OpenSSL's libcrypto. All are made of AES on blocks, keyed once: each
 * block is one step of EVP_EncryptUpdate(), many of them run side by side, and a
 * packet needs no more than that. EVP's own counter mode and GCM look their IV's
 * length and their tag up by name, packet for packet, which takes longer than the
 * encryption of a voice frame. What GCM adds is in modes.h.
 *
 * A context serves one thread at a time, so each object has a lock: the packets of
 * a source come to one thread, and it is free in practice (a context per thread
 * would cost memory for each stream and thread).
 */
#include "cipher.h"

#include <openssl/evp.h>
#include <openssl/modes.h>

#include "hmac_openssl.h"

#define BLOCK 16
#define AT_ONCE 16		/* blocks of key stream */
#define IV_LEN 12
#define TAG_LEN 16

struct rtpe_cipher {
	pthread_mutex_t lock;
	EVP_CIPHER_CTX *aes;
	GCM128_CONTEXT *gcm;	/* NULL: another mode */
};

/* Key lengths have been checked against the suite. */
static const EVP_CIPHER *method(u8 cipher)
{
	switch (cipher) {
	case RTPE_CIPHER_AES_CM_128:
	case RTPE_CIPHER_AES_F8:
	case RTPE_CIPHER_AES_GCM_128:
		return EVP_aes_128_ecb();
	case RTPE_CIPHER_AES_CM_192:
		return EVP_aes_192_ecb();
	case RTPE_CIPHER_AES_CM_256:
	case RTPE_CIPHER_AES_GCM_256:
		return EVP_aes_256_ecb();
	}
	return NULL;
}

static void encrypt(EVP_CIPHER_CTX *aes, const u8 *in, u8 *out, u32 blocks)
{
	int n;

	/* Whole blocks without padding: there is nothing that could fail. */
	EVP_EncryptUpdate(aes, out, &n, in, (int)(blocks * BLOCK));
}

/* For modes.h: one block, and whole blocks of counter mode whose counter has 32 bits. */
static void gcm_block(const u8 in[BLOCK], u8 out[BLOCK], const void *aes)
{
	encrypt((EVP_CIPHER_CTX *)(uintptr_t)aes, in, out, 1);
}

static void xor(u8 *data, const u8 *stream, u32 len)
{
	u64 a, b;

	for (; len >= 8; data += 8, stream += 8, len -= 8) {
		memcpy(&a, data, 8);
		memcpy(&b, stream, 8);
		a ^= b;
		memcpy(data, &a, 8);
	}
	while (len--)
		*data++ ^= *stream++;
}

/* Key stream over data. Only the last 32 bits of the counter count: SRTP has 16 bits, GCM these 32. */
static void count(EVP_CIPHER_CTX *aes, const u8 iv[BLOCK], u8 *data, size_t len)
{
	u8 stream[AT_ONCE * BLOCK];
	u32 counter = rtpe_read32(iv + IV_LEN), blocks, some, i;

	for (; len; data += some, len -= some) {
		some = len < sizeof(stream) ? (u32)len : sizeof(stream);
		blocks = (some + BLOCK - 1) / BLOCK;
		for (i = 0; i < blocks; i++) {
			memcpy(stream + i * BLOCK, iv, IV_LEN);
			rtpe_write32(counter++, stream + i * BLOCK + IV_LEN);
		}
		encrypt(aes, stream, stream, blocks);
		xor(data, stream, some);
	}
}

/* In place, as we call it. */
static void gcm_stream(const u8 *in, u8 *out, size_t blocks, const void *aes, const u8 iv[BLOCK])
{
	(void)in;
	count((EVP_CIPHER_CTX *)(uintptr_t)aes, iv, out, blocks * BLOCK);
}

static void cipher_close(struct rtpe_cipher *c)
{
	CRYPTO_gcm128_release(c->gcm);
	EVP_CIPHER_CTX_free(c->aes);
	pthread_mutex_destroy(&c->lock);
	rtpe_free(c);
}

static bool prepare(struct rtpe_cipher *c, u8 cipher, const u8 *key)
{
	c->aes = EVP_CIPHER_CTX_new();
	if (!c->aes || !EVP_EncryptInit_ex2(c->aes, method(cipher), key, NULL, NULL) ||
	    !EVP_CIPHER_CTX_set_padding(c->aes, 0))
		return false;
	if (cipher != RTPE_CIPHER_AES_GCM_128 && cipher != RTPE_CIPHER_AES_GCM_256)
		return true;
	c->gcm = CRYPTO_gcm128_new(c->aes, gcm_block);
	return c->gcm;
}

static int cipher_open(struct rtpe_cipher **out, u8 cipher, const u8 *key, u32 key_len)
{
	const EVP_CIPHER *m = method(cipher);
	struct rtpe_cipher *c;

	if (!m || (u32)EVP_CIPHER_get_key_length(m) != key_len)
		return -EOPNOTSUPP;
	c = rtpe_alloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	if (!prepare(c, cipher, key)) {
		cipher_close(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

static void block(struct rtpe_cipher *c, const u8 in[BLOCK], u8 out[BLOCK])
{
	pthread_mutex_lock(&c->lock);
	encrypt(c->aes, in, out, 1);
	pthread_mutex_unlock(&c->lock);
}

static int ctr(struct rtpe_cipher *c, const u8 iv[BLOCK], u8 *data, u32 len)
{
	pthread_mutex_lock(&c->lock);
	count(c->aes, iv, data, len);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

/* 0 is success here: associated data come once, before the rest, and nothing is too long for a packet. */
static bool begin(GCM128_CONTEXT *gcm, const u8 iv[IV_LEN], const u8 *aad, u32 aad_len)
{
	CRYPTO_gcm128_setiv(gcm, iv, IV_LEN);
	return !CRYPTO_gcm128_aad(gcm, aad, aad_len);
}

static int seal(struct rtpe_cipher *c, const u8 iv[IV_LEN], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = begin(c->gcm, iv, aad, aad_len) && !CRYPTO_gcm128_encrypt_ctr32(c->gcm, data, data, len, gcm_stream);
	if (ok)
		CRYPTO_gcm128_tag(c->gcm, data + len, TAG_LEN);
	pthread_mutex_unlock(&c->lock);
	return ok ? 0 : -EINVAL;
}

/* The key stream once more, onto data that were not what they seemed: they are what came again. */
static void take_back(struct rtpe_cipher *c, const u8 iv[IV_LEN], u8 *data, u32 len)
{
	u8 first[BLOCK];

	memcpy(first, iv, IV_LEN);
	rtpe_write32(2, first + IV_LEN);
	count(c->aes, first, data, len);
}

static int unseal(struct rtpe_cipher *c, const u8 iv[IV_LEN], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = begin(c->gcm, iv, aad, aad_len) && !CRYPTO_gcm128_decrypt_ctr32(c->gcm, data, data, len, gcm_stream) &&
	     !CRYPTO_gcm128_finish(c->gcm, data + len, TAG_LEN);
	if (!ok)
		take_back(c, iv, data, len);
	pthread_mutex_unlock(&c->lock);
	return ok ? 0 : -EBADMSG;
}

const struct rtpe_cipher_ops rtpe_openssl_ciphers = {
	.cipher_open = cipher_open,
	.cipher_close = cipher_close,
	.block = block,
	.ctr = ctr,
	.seal = seal,
	.unseal = unseal,
	.mac_open = rtpe_hmac_open,
	.mac_close = rtpe_hmac_close,
	.mac = rtpe_hmac,
};

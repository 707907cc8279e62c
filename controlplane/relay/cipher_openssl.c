// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Ciphers by OpenSSL's libcrypto. Contexts are made and keyed once; a packet only
 * gives them its IV. A context serves one thread at a time, so each object has a
 * lock: the packets of a source come to one thread, and it is free in practice
 * (20 ns; a context per thread would cost memory for each stream and thread).
 */
#include "cipher.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>

#define TAG_LEN 16

struct rtpe_cipher {
	pthread_mutex_t lock;
	EVP_CIPHER_CTX *ctx;
};

struct rtpe_mac {
	pthread_mutex_t lock;
	EVP_MAC_CTX *ctx;
};

/* Key lengths have been checked against the suite. */
static const EVP_CIPHER *method(u8 cipher)
{
	switch (cipher) {
	case RTPE_CIPHER_AES_CM_128:
		return EVP_aes_128_ctr();
	case RTPE_CIPHER_AES_CM_192:
		return EVP_aes_192_ctr();
	case RTPE_CIPHER_AES_CM_256:
		return EVP_aes_256_ctr();
	case RTPE_CIPHER_AES_F8:
		return EVP_aes_128_ecb();
	case RTPE_CIPHER_AES_GCM_128:
		return EVP_aes_128_gcm();
	case RTPE_CIPHER_AES_GCM_256:
		return EVP_aes_256_gcm();
	}
	return NULL;
}

static void cipher_close(struct rtpe_cipher *c)
{
	EVP_CIPHER_CTX_free(c->ctx);
	pthread_mutex_destroy(&c->lock);
	rtpe_free(c);
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
	c->ctx = EVP_CIPHER_CTX_new();
	if (!c->ctx || !EVP_EncryptInit_ex2(c->ctx, m, key, NULL, NULL) || !EVP_CIPHER_CTX_set_padding(c->ctx, 0)) {
		cipher_close(c);
		return -ENOMEM;
	}
	*out = c;
	return 0;
}

static void block(struct rtpe_cipher *c, const u8 in[16], u8 out[16])
{
	int n;

	pthread_mutex_lock(&c->lock);
	EVP_EncryptUpdate(c->ctx, out, &n, in, 16);
	pthread_mutex_unlock(&c->lock);
}

static int ctr(struct rtpe_cipher *c, const u8 iv[16], u8 *data, u32 len)
{
	int n;
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = EVP_EncryptInit_ex2(c->ctx, NULL, NULL, iv, NULL) && EVP_EncryptUpdate(c->ctx, data, &n, data, (int)len);
	pthread_mutex_unlock(&c->lock);
	return ok ? 0 : -EINVAL;
}

/* A NULL output says that these are associated data. */
static bool start(EVP_CIPHER_CTX *ctx, const u8 iv[12], const u8 *aad, u32 aad_len, int encrypt)
{
	int n;

	return EVP_CipherInit_ex2(ctx, NULL, NULL, iv, encrypt, NULL) &&
	       EVP_CipherUpdate(ctx, NULL, &n, aad, (int)aad_len);
}

static int seal(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	int n;
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = start(c->ctx, iv, aad, aad_len, 1) && (!len || EVP_CipherUpdate(c->ctx, data, &n, data, (int)len)) &&
	     EVP_CipherFinal_ex(c->ctx, data + len, &n) &&
	     EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, data + len);
	pthread_mutex_unlock(&c->lock);
	return ok ? 0 : -EINVAL;
}

static int unseal(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	u8 none[16];
	int n;
	bool ok;

	pthread_mutex_lock(&c->lock);
	ok = start(c->ctx, iv, aad, aad_len, 0) && (!len || EVP_CipherUpdate(c->ctx, data, &n, data, (int)len)) &&
	     EVP_CIPHER_CTX_ctrl(c->ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, data + len) &&
	     EVP_CipherFinal_ex(c->ctx, none, &n);
	pthread_mutex_unlock(&c->lock);
	return ok ? 0 : -EBADMSG;
}

static void mac_close(struct rtpe_mac *m)
{
	EVP_MAC_CTX_free(m->ctx);
	pthread_mutex_destroy(&m->lock);
	rtpe_free(m);
}

static int mac_open(struct rtpe_mac **out, const u8 *key, u32 key_len)
{
	char digest[] = "SHA1";
	const OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	struct rtpe_mac *m = rtpe_alloc(sizeof(*m));

	if (m) {
		pthread_mutex_init(&m->lock, NULL);
		m->ctx = EVP_MAC_CTX_new(hmac);
	}
	EVP_MAC_free(hmac);
	if (!m || !m->ctx || !EVP_MAC_init(m->ctx, key, key_len, params)) {
		if (m)
			mac_close(m);
		return -ENOMEM;
	}
	*out = m;
	return 0;
}

/* Without a key it begins where the key's block ended. */
static int mac(struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 out[20])
{
	size_t n;
	bool ok;

	pthread_mutex_lock(&m->lock);
	ok = EVP_MAC_init(m->ctx, NULL, 0, NULL) && EVP_MAC_update(m->ctx, data, len) &&
	     (!tail || EVP_MAC_update(m->ctx, tail, 4)) && EVP_MAC_final(m->ctx, out, &n, 20);
	pthread_mutex_unlock(&m->lock);
	return ok ? 0 : -EINVAL;
}

const struct rtpe_cipher_ops rtpe_openssl_ciphers = {
	.cipher_open = cipher_open,
	.cipher_close = cipher_close,
	.block = block,
	.ctr = ctr,
	.seal = seal,
	.unseal = unseal,
	.mac_open = mac_open,
	.mac_close = mac_close,
	.mac = mac,
};

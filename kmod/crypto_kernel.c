// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ciphers that need nothing per packet but the stack. The kernel's crypto interface
 * wants requests, scatter lists and a walk over them, and saves the vector registers
 * in each step: that costs as much as the ciphers themselves do for 160 bytes of
 * voice. So AES and SHA-1 are done here with the processor's own instructions (x86-64
 * with AES, PCLMULQDQ, AVX and BMI2), and elsewhere with the kernel's AES library.
 */
#include <linux/cache.h>
#include <crypto/aes.h>
#include "crypto_kernel.h"
#include "plain.h"
#include "simd.h"

#define GCM_TAG_LEN 16

struct rtpe_cipher {
	struct crypto_aes_ctx aes;
	u32 rounds;
	u32 bytes;		/* of the whole object */
};

struct gcm {
	struct rtpe_cipher cipher;
	u8 h[16];
	struct rtpe_ghash_key powers;
};

#ifdef CONFIG_X86_64
#include <asm/fpu/api.h>
#include <asm/simd.h>

static bool have_simd __ro_after_init, have_sha_ni __ro_after_init;

void rtpe_crypto_kernel_init(void)
{
	have_simd = boot_cpu_has(X86_FEATURE_AES) && boot_cpu_has(X86_FEATURE_PCLMULQDQ) &&
		    boot_cpu_has(X86_FEATURE_AVX2) && boot_cpu_has(X86_FEATURE_BMI1) &&
		    boot_cpu_has(X86_FEATURE_BMI2) &&
		    cpu_has_xfeatures(XFEATURE_MASK_SSE | XFEATURE_MASK_YMM, NULL);
	have_sha_ni = have_simd && boot_cpu_has(X86_FEATURE_SHA_NI);
}

/* False if the packet interrupted somebody who is using the vector registers. */
static bool simd_begin(void)
{
	if (unlikely(!have_simd || !may_use_simd()))
		return false;
	kernel_fpu_begin();
	return true;
}

static void simd_end(bool simd)
{
	if (likely(simd))
		kernel_fpu_end();
}

static void do_ctr(const struct rtpe_cipher *c, const u8 iv[16], u8 *data, u32 len, bool simd)
{
	if (likely(simd))
		rtpe_simd_ctr(c->aes.key_enc, c->rounds, iv, data, len);
	else
		rtpe_plain_ctr(&c->aes, iv, data, len);
}

static void do_ghash(const struct gcm *g, u8 hash[16], const u8 *data, u32 len, bool simd)
{
	if (likely(simd))
		rtpe_simd_ghash(&g->powers, hash, data, len);
	else
		rtpe_plain_ghash(g->h, hash, data, len);
}

static __always_inline void do_hmac(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4],
				    u8 digest[20], bool simd)
{
	if (unlikely(!simd))
		rtpe_plain_hmac(m, data, len, tail, digest);
	else if (have_sha_ni)
		rtpe_simd_hmac_ni(m, data, len, tail, digest);
	else
		rtpe_simd_hmac(m, data, len, tail, digest);
}

/* Whoever opens a cipher may sleep, and then vectors may be used. */
static int prepare_powers(struct gcm *g)
{
	bool simd = simd_begin();

	if (have_simd && !simd)
		return -EBUSY;
	if (simd)
		rtpe_simd_ghash_key(&g->powers, g->h);
	simd_end(simd);
	return 0;
}
#else
void rtpe_crypto_kernel_init(void)
{
}

static bool simd_begin(void)
{
	return false;
}

static void simd_end(bool simd)
{
}

static void do_ctr(const struct rtpe_cipher *c, const u8 iv[16], u8 *data, u32 len, bool simd)
{
	rtpe_plain_ctr(&c->aes, iv, data, len);
}

static void do_ghash(const struct gcm *g, u8 hash[16], const u8 *data, u32 len, bool simd)
{
	rtpe_plain_ghash(g->h, hash, data, len);
}

static __always_inline void do_hmac(const struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4],
				    u8 digest[20], bool simd)
{
	rtpe_plain_hmac(m, data, len, tail, digest);
}

static int prepare_powers(struct gcm *g)
{
	return 0;
}
#endif

static void cipher_close(struct rtpe_cipher *c)
{
	rtpe_wipe(c, c->bytes);
	rtpe_free(c);
}

static int cipher_open(struct rtpe_cipher **out, u8 cipher, const u8 *key, u32 key_len)
{
	bool is_gcm = cipher == RTPE_CIPHER_AES_GCM_128 || cipher == RTPE_CIPHER_AES_GCM_256;
	u32 bytes = is_gcm ? sizeof(struct gcm) : sizeof(struct rtpe_cipher);
	struct rtpe_cipher *c = rtpe_alloc(bytes);
	struct gcm *g = container_of(c, struct gcm, cipher);
	int err;

	if (!c)
		return -ENOMEM;
	c->bytes = bytes;
	c->rounds = 6 + key_len / 4;
	err = aes_expandkey(&c->aes, key, key_len);
	if (!err && is_gcm) {
		aes_encrypt(&c->aes, g->h, g->h);
		err = prepare_powers(g);
	}
	if (err) {
		cipher_close(c);
		return err;
	}
	*out = c;
	return 0;
}

static void block(struct rtpe_cipher *c, const u8 in[16], u8 out[16])
{
	bool simd;
	u8 iv[16];

	memcpy(iv, in, sizeof(iv));
	memset(out, 0, sizeof(iv));
	simd = simd_begin();
	do_ctr(c, iv, out, sizeof(iv), simd);
	simd_end(simd);
}

static int ctr(struct rtpe_cipher *c, const u8 iv[16], u8 *data, u32 len)
{
	bool simd = simd_begin();

	do_ctr(c, iv, data, len, simd);
	simd_end(simd);
	return 0;
}

/* NIST SP 800-38D with an IV of 12 bytes: block 1 covers the tag, data begin with block 2. */
static void gcm_iv(u8 out[16], const u8 iv[12], u32 number)
{
	memcpy(out, iv, 12);
	rtpe_write32(number, out + 12);
}

static void gcm_tag(const struct gcm *g, const u8 iv[12], const u8 *aad, u32 aad_len, const u8 *data, u32 len,
		    u8 tag[GCM_TAG_LEN], bool simd)
{
	u8 lengths[16] RTPE_UNINIT, first[16] RTPE_UNINIT;

	put_unaligned_be64((u64)aad_len * 8, lengths);
	put_unaligned_be64((u64)len * 8, lengths + 8);
	memset(tag, 0, GCM_TAG_LEN);
	do_ghash(g, tag, aad, aad_len, simd);
	do_ghash(g, tag, data, len, simd);
	do_ghash(g, tag, lengths, sizeof(lengths), simd);
	gcm_iv(first, iv, 1);
	do_ctr(&g->cipher, first, tag, GCM_TAG_LEN, simd);
}

static int seal_with(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len, bool simd)
{
	u8 counter[16] RTPE_UNINIT;

	gcm_iv(counter, iv, 2);
	do_ctr(c, counter, data, len, simd);
	gcm_tag(container_of(c, struct gcm, cipher), iv, aad, aad_len, data, len, data + len, simd);
	return 0;
}

static int unseal_with(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len, bool simd)
{
	u8 counter[16] RTPE_UNINIT, tag[GCM_TAG_LEN] RTPE_UNINIT;

	gcm_tag(container_of(c, struct gcm, cipher), iv, aad, aad_len, data, len, tag, simd);
	if (rtpe_differ(tag, data + len, sizeof(tag)))
		return -EBADMSG;
	gcm_iv(counter, iv, 2);
	do_ctr(c, counter, data, len, simd);
	return 0;
}

static int seal(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	bool simd = simd_begin();
	int err = seal_with(c, iv, aad, aad_len, data, len, simd);

	simd_end(simd);
	return err;
}

static int unseal(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	bool simd = simd_begin();
	int err = unseal_with(c, iv, aad, aad_len, data, len, simd);

	simd_end(simd);
	return err;
}

static void mac_close(struct rtpe_mac *m)
{
	rtpe_wipe(m, sizeof(*m));
	rtpe_free(m);
}

static void absorb_key(u32 state[5], const u8 *key, u32 key_len, u8 pad)
{
	static const u32 start[5] = { 0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0 };
	u8 padded[RTPE_SHA1_BLOCK];
	u32 i;

	for (i = 0; i < RTPE_SHA1_BLOCK; i++)
		padded[i] = pad ^ (i < key_len ? key[i] : 0);
	memcpy(state, start, sizeof(start));
	rtpe_plain_sha1(state, padded, 1);
	rtpe_wipe(padded, sizeof(padded));
}

static int mac_open(struct rtpe_mac **out, const u8 *key, u32 key_len)
{
	struct rtpe_mac *m = key_len <= RTPE_SHA1_BLOCK ? rtpe_alloc(sizeof(*m)) : NULL;

	if (!m)
		return -ENOMEM;
	absorb_key(m->inner, key, key_len, 0x36);
	absorb_key(m->outer, key, key_len, 0x5c);
	*out = m;
	return 0;
}

static int mac(struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 out[20])
{
	bool simd = simd_begin();

	do_hmac(m, data, len, tail, out, simd);
	simd_end(simd);
	return 0;
}

static int ctr_mac(struct rtpe_cipher *c, struct rtpe_mac *m, const struct rtpe_sealing *s, u8 out[20])
{
	bool simd = simd_begin();

	do_ctr(c, s->iv, s->data + s->clear, s->len - s->clear, simd);
	do_hmac(m, s->data, s->len, s->tail, out, simd);
	simd_end(simd);
	return 0;
}

static int mac_ctr(struct rtpe_cipher *c, struct rtpe_mac *m, const struct rtpe_sealing *s, const u8 *tag, u32 tag_len)
{
	bool simd = simd_begin(), wrong;
	u8 digest[RTPE_SHA1_DIGEST] RTPE_UNINIT;

	do_hmac(m, s->data, s->len, s->tail, digest, simd);
	wrong = rtpe_tags_differ(digest, tag, tag_len);
	if (likely(!wrong))
		do_ctr(c, s->iv, s->data + s->clear, s->len - s->clear, simd);
	simd_end(simd);
	return wrong ? -EBADMSG : 0;
}

const struct rtpe_cipher_ops rtpe_kernel_ciphers = {
	.cipher_open = cipher_open,
	.cipher_close = cipher_close,
	.block = block,
	.ctr = ctr,
	.seal = seal,
	.unseal = unseal,
	.mac_open = mac_open,
	.mac_close = mac_close,
	.mac = mac,
	.ctr_mac = ctr_mac,
	.mac_ctr = mac_ctr,
};

static void plain_block(struct rtpe_cipher *c, const u8 in[16], u8 out[16])
{
	aes_encrypt(&c->aes, out, in);
}

static int plain_ctr(struct rtpe_cipher *c, const u8 iv[16], u8 *data, u32 len)
{
	rtpe_plain_ctr(&c->aes, iv, data, len);
	return 0;
}

static int plain_seal(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	return seal_with(c, iv, aad, aad_len, data, len, false);
}

static int plain_unseal(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len)
{
	return unseal_with(c, iv, aad, aad_len, data, len, false);
}

static int plain_mac(struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 out[20])
{
	rtpe_plain_hmac(m, data, len, tail, out);
	return 0;
}

const struct rtpe_cipher_ops rtpe_plain_ciphers = {
	.cipher_open = cipher_open,
	.cipher_close = cipher_close,
	.block = plain_block,
	.ctr = plain_ctr,
	.seal = plain_seal,
	.unseal = plain_unseal,
	.mac_open = mac_open,
	.mac_close = mac_close,
	.mac = plain_mac,
};

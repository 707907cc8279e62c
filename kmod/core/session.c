// SPDX-License-Identifier: GPL-2.0-or-later
#include "session.h"

struct keys {
	u8 cipher[32], mask[32], auth[RTPE_AUTH_KEY_LEN];
};

/* RFC 3711 section 4.1.2.1: the key is masked with the salt, filled up with 0x55. */
static void mask_key(const struct rtpe_session *s, struct keys *k, u32 key_len)
{
	u32 i;

	for (i = 0; i < key_len; i++)
		k->mask[i] = k->cipher[i] ^ (i < RTPE_MASTER_SALT_LEN ? s->salt[i] : 0x55);
}

static int open_cipher(struct rtpe_session *s, struct keys *k, u32 key_len)
{
	int err;

	if (s->mode == RTPE_CIPHER_NULL)
		return 0;
	err = s->ops->cipher_open(&s->cipher, s->mode, k->cipher, key_len);
	if (err || s->mode != RTPE_CIPHER_AES_F8)
		return err;
	mask_key(s, k, key_len);
	return s->ops->cipher_open(&s->mask, s->mode, k->mask, key_len);
}

static int expand(struct rtpe_session *s, const struct rtpe_srtp *params, struct rtpe_cipher *prf,
		  enum rtpe_kdf_label labels, struct keys *k)
{
	int err;

	err = rtpe_kdf_derive(prf, s->ops, params->salt, labels + RTPE_KDF_RTP_KEY, k->cipher, params->key_len);
	if (!err)
		err = rtpe_kdf_derive(prf, s->ops, params->salt, labels + RTPE_KDF_RTP_AUTH, k->auth, sizeof(k->auth));
	if (!err)
		err = rtpe_kdf_derive(prf, s->ops, params->salt, labels + RTPE_KDF_RTP_SALT, s->salt, params->salt_len);
	if (!err)
		err = open_cipher(s, k, params->key_len);
	if (!err && s->tag_len && !rtpe_mode_is_aead(s->mode))
		err = s->ops->mac_open(&s->mac, k->auth, sizeof(k->auth));
	return err;
}

int rtpe_session_open(struct rtpe_session *s, const struct rtpe_cipher_ops *ops, const struct rtpe_srtp *params,
		      struct rtpe_cipher *prf, enum rtpe_kdf_label labels, u8 cipher, u8 tag_len)
{
	struct keys k;
	int err;

	s->ops = ops;
	s->mode = cipher;
	s->tag_len = tag_len;
	err = expand(s, params, prf, labels, &k);
	s->at_once = ops->ctr_mac && s->cipher && s->mac && s->mode != RTPE_CIPHER_AES_F8;
	rtpe_wipe(&k, sizeof(k));
	return err;
}

void rtpe_session_close(struct rtpe_session *s)
{
	if (s->cipher)
		s->ops->cipher_close(s->cipher);
	if (s->mask)
		s->ops->cipher_close(s->mask);
	if (s->mac)
		s->ops->mac_close(s->mac);
	rtpe_wipe(s, sizeof(*s));
}

static __always_inline void xor_word(u8 *at, const u8 *with)
{
	u64 a, b;

	memcpy(&a, at, sizeof(a));
	memcpy(&b, with, sizeof(b));
	a ^= b;
	memcpy(at, &a, sizeof(a));
}

/* RFC 7714 has the same layout two bytes further ahead. */
void rtpe_session_iv(const struct rtpe_session *s, u32 ssrc, u64 index, u8 iv[16])
{
	u8 *at = iv + (rtpe_mode_is_aead(s->mode) ? 2 : 4);

	memset(iv, 0, 16);
	memcpy(at, &ssrc, 4);
	rtpe_write32((u32)(index >> 16), at + 4);
	at[8] = (u8)(index >> 8);
	at[9] = (u8)index;
	xor_word(iv, s->salt);
	xor_word(iv + 8, s->salt + 8);
}

static void xor_block(u8 out[16], const u8 with[16])
{
	u32 i;

	for (i = 0; i < 16; i++)
		out[i] ^= with[i];
}

/* RFC 3711 section 4.1.2: each block of the key stream also hangs on the one before. */
int rtpe_session_f8(const struct rtpe_session *s, const u8 iv[16], u8 *data, u32 len)
{
	u8 start[16], stream[16] = { 0 };
	u32 at, i, j = 0;

	s->ops->block(s->mask, iv, start);
	for (at = 0; at < len; at += 16) {
		xor_block(stream, start);
		for (i = 0; i < 4; i++)
			stream[12 + i] ^= (u8)(j >> (24 - 8 * i));
		s->ops->block(s->cipher, stream, stream);
		for (i = 0; i < 16 && at + i < len; i++)
			data[at + i] ^= stream[i];
		j++;
	}
	return 0;
}

int rtpe_session_sign(const struct rtpe_session *s, const u8 *data, u32 len, const u8 tail[4], u8 *tag)
{
	u8 digest[20];
	int err;

	if (!s->mac)
		return 0;
	err = s->ops->mac(s->mac, data, len, tail, digest);
	if (!err)
		rtpe_session_write_tag(s, tag, digest);
	return err;
}

int rtpe_session_verify(const struct rtpe_session *s, const u8 *data, u32 len, const u8 tail[4], const u8 *tag)
{
	u8 digest[20];
	int err;

	if (!s->mac)
		return 0;
	err = s->ops->mac(s->mac, data, len, tail, digest);
	if (err)
		return err;
	return rtpe_tags_differ(digest, tag, s->tag_len) ? -EBADMSG : 0;
}

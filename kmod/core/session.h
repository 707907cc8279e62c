/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session keys of RTP or of RTCP, and what is done with them to bytes. */
#ifndef RTPE_CORE_SESSION_H
#define RTPE_CORE_SESSION_H

#include "kdf.h"

#define RTPE_AEAD_TAG_LEN 16

struct rtpe_session {
	const struct rtpe_cipher_ops *ops;
	struct rtpe_cipher *cipher;	/* NULL: bytes stay as they are */
	struct rtpe_cipher *mask;	/* AES-F8: keyed with the masked key */
	struct rtpe_mac *mac;		/* NULL: no tag, or that of AEAD */
	u8 mode;			/* RTPE_CIPHER_* */
	u8 tag_len;
	bool at_once;			/* the host does cipher and HMAC in one go */
	u8 salt[16];			/* zero behind its end */
};

static inline bool rtpe_mode_is_aead(u8 cipher)
{
	return cipher == RTPE_CIPHER_AES_GCM_128 || cipher == RTPE_CIPHER_AES_GCM_256;
}

/*
 * params have been checked, all but cipher and tags is taken from there; `labels` is
 * the first of the three. tag_len 0: not authenticated. After an error the session can be closed. May sleep.
 */
int rtpe_session_open(struct rtpe_session *s, const struct rtpe_cipher_ops *ops, const struct rtpe_srtp *params,
		      struct rtpe_cipher *prf, enum rtpe_kdf_label labels, u8 cipher, u8 tag_len);
void rtpe_session_close(struct rtpe_session *s);

/* Counter mode and AEAD: salt, SSRC and a packet index of 48 bits (RFC 3711 section 4.1.1, RFC 7714 section 8.1). */
void rtpe_session_iv(const struct rtpe_session *s, u32 ssrc, u64 index, u8 iv[16]);

/* Encrypts or decrypts, with anything but AEAD. */
int rtpe_session_f8(const struct rtpe_session *s, const u8 iv[16], u8 *data, u32 len);
static inline int rtpe_session_crypt(const struct rtpe_session *s, const u8 iv[16], u8 *data, u32 len)
{
	if (!s->cipher || !len)
		return 0;
	if (unlikely(s->mode == RTPE_CIPHER_AES_F8))
		return rtpe_session_f8(s, iv, data, len);
	return s->ops->ctr(s->cipher, iv, data, len);
}

/* Writes tag_len bytes that authenticate data and, behind it, the tail. */
int rtpe_session_sign(const struct rtpe_session *s, const u8 *data, u32 len, const u8 tail[4], u8 *tag);

/* -EBADMSG: they are others. */
int rtpe_session_verify(const struct rtpe_session *s, const u8 *data, u32 len, const u8 tail[4], const u8 *tag);

static __always_inline void rtpe_session_write_tag(const struct rtpe_session *s, u8 *tag, const u8 digest[20])
{
	if (likely(s->tag_len == 10))
		memcpy(tag, digest, 10);	/* goes without a call */
	else
		memcpy(tag, digest, s->tag_len);
}

/* Encryption and tag of what has both, or one of them, or none; with anything but AEAD. */
static __always_inline int rtpe_session_seal(const struct rtpe_session *s, const struct rtpe_sealing *what, u8 *tag)
{
	u8 digest[20] RTPE_UNINIT;
	int err;

	if (likely(s->at_once)) {
		err = s->ops->ctr_mac(s->cipher, s->mac, what, digest);
		if (!err)
			rtpe_session_write_tag(s, tag, digest);
		return err;
	}
	err = rtpe_session_crypt(s, what->iv, what->data + what->clear, what->len - what->clear);
	return err ? err : rtpe_session_sign(s, what->data, what->len, what->tail, tag);
}

/* The way back; -EBADMSG: the tag is another. */
static __always_inline int rtpe_session_unseal(const struct rtpe_session *s, const struct rtpe_sealing *what,
					       const u8 *tag)
{
	int err;

	if (likely(s->at_once))
		return s->ops->mac_ctr(s->cipher, s->mac, what, tag, s->tag_len);
	err = rtpe_session_verify(s, what->data, what->len, what->tail, tag);
	return err ? err : rtpe_session_crypt(s, what->iv, what->data + what->clear, what->len - what->clear);
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
#include "srtcp.h"

#define HEADER_LEN 8		/* in the clear: first header and SSRC */
#define ENCRYPTED 0x80000000u	/* the E flag */

static void build_iv(const struct rtpe_session *s, const u8 *data, u32 word, u8 iv[16])
{
	u32 ssrc;

	if (s->mode != RTPE_CIPHER_AES_F8) {
		memcpy(&ssrc, data + 4, 4);
		rtpe_session_iv(s, ssrc, word & ~ENCRYPTED, iv);
		return;
	}
	memset(iv, 0, 4);
	rtpe_write32(word, iv + 4);
	memcpy(iv + 8, data, HEADER_LEN);
}

static int crypt(const struct rtpe_session *s, u8 *data, u32 len, u32 word)
{
	u8 iv[16];

	if (!(word & ENCRYPTED))
		return 0;
	build_iv(s, data, word, iv);
	return rtpe_session_crypt(s, iv, data + HEADER_LEN, len - HEADER_LEN);
}

/* Packet, word, MKI, tag. */
static int open_hmac(const struct rtpe_crypto *c, u8 *data, u32 len, u32 word)
{
	const struct rtpe_session *s = &c->rtcp;
	u32 signed_len = len + RTPE_SRTCP_WORD_LEN;
	int err;

	err = rtpe_session_verify(s, data, signed_len, NULL, data + signed_len + c->params.mki_len);
	return err ? err : crypt(s, data, len, word);
}

static int close_hmac(const struct rtpe_crypto *c, u8 *data, u32 len, u32 word)
{
	const struct rtpe_session *s = &c->rtcp;
	u32 signed_len = len + RTPE_SRTCP_WORD_LEN;
	int err;

	err = crypt(s, data, len, word);
	if (err)
		return err;
	rtpe_write32(word, data + len);
	rtpe_crypto_append_mki(c, data + signed_len);
	return rtpe_session_sign(s, data, signed_len, NULL, data + signed_len + c->params.mki_len);
}

/*
 * Packet, tag, word, MKI. Associated data are header and word of an encrypted
 * packet, all of another one: for that the word stands before the tag meanwhile.
 */
static void move_word_up(u8 *data, u32 len, u32 word)
{
	memmove(data + len + RTPE_SRTCP_WORD_LEN, data + len, RTPE_AEAD_TAG_LEN);
	rtpe_write32(word, data + len);
}

static void move_word_down(u8 *data, u32 len, u32 word)
{
	memmove(data + len, data + len + RTPE_SRTCP_WORD_LEN, RTPE_AEAD_TAG_LEN);
	rtpe_write32(word, data + len + RTPE_AEAD_TAG_LEN);
}

static int open_aead(const struct rtpe_crypto *c, u8 *data, u32 len, u32 word)
{
	const struct rtpe_session *s = &c->rtcp;
	u8 iv[16], aad[HEADER_LEN + RTPE_SRTCP_WORD_LEN];
	u32 all = len + RTPE_SRTCP_WORD_LEN;
	int err;

	build_iv(s, data, word, iv);
	if (!(word & ENCRYPTED)) {
		move_word_up(data, len, word);
		err = s->ops->unseal(s->cipher, iv, data, all, data + all, 0);
		move_word_down(data, len, word);
		return err;
	}
	memcpy(aad, data, HEADER_LEN);
	rtpe_write32(word, aad + HEADER_LEN);
	return s->ops->unseal(s->cipher, iv, aad, sizeof(aad), data + HEADER_LEN, len - HEADER_LEN);
}

static int seal(const struct rtpe_session *s, u8 *data, u32 len, u32 word)
{
	u8 iv[16], aad[HEADER_LEN + RTPE_SRTCP_WORD_LEN];
	int err;

	build_iv(s, data, word, iv);
	if (word & ENCRYPTED) {
		memcpy(aad, data, HEADER_LEN);
		rtpe_write32(word, aad + HEADER_LEN);
		err = s->ops->seal(s->cipher, iv, aad, sizeof(aad), data + HEADER_LEN, len - HEADER_LEN);
		rtpe_write32(word, data + len + RTPE_AEAD_TAG_LEN);
		return err;
	}
	rtpe_write32(word, data + len);
	err = s->ops->seal(s->cipher, iv, data, len + RTPE_SRTCP_WORD_LEN, data + len + RTPE_SRTCP_WORD_LEN, 0);
	move_word_down(data, len, word);
	return err;
}

static int close_aead(const struct rtpe_crypto *c, u8 *data, u32 len, u32 word)
{
	rtpe_crypto_append_mki(c, data + len + RTPE_AEAD_TAG_LEN + RTPE_SRTCP_WORD_LEN);
	return seal(&c->rtcp, data, len, word);
}

static u32 growth(const struct rtpe_crypto *c)
{
	return RTPE_SRTCP_WORD_LEN + c->rtcp.tag_len + c->params.mki_len;
}

static u32 sender_of(const u8 *data)
{
	u32 ssrc;

	memcpy(&ssrc, data + 4, 4);
	return ssrc;
}

int rtpe_srtcp_unprotect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	bool aead = rtpe_mode_is_aead(c->rtcp.mode);
	struct rtpe_source *s;
	u32 len, word, index;
	int err = 0;

	if (p->len < HEADER_LEN + growth(c))
		return -EBADMSG;
	len = p->len - growth(c);
	word = rtpe_read32(p->data + len + (aead ? RTPE_AEAD_TAG_LEN : 0));
	index = word & ~ENCRYPTED;
	s = rtpe_source_get(&c->sources, sender_of(p->data));
	if (s)
		err = rtpe_replay_check(&s->rtcp, index);
	if (!err)
		err = aead ? open_aead(c, p->data, len, word) : open_hmac(c, p->data, len, word);
	if (!err && !s) {
		s = rtpe_source_claim(&c->sources, sender_of(p->data), p->now_us, RTPE_FORGET);
		err = s ? 0 : -EALREADY;
	}
	if (!err)
		err = rtpe_replay_accept(&s->rtcp, index);
	if (!err) {
		rtpe_source_touch(s, p->now_us);
		p->len = len;
		p->room += growth(c);
		p->rtcp_index = index;
	}
	if (s)
		rtpe_source_put(s);
	return err;
}

static int take_index(struct rtpe_crypto *c, const struct rtpe_packet *p, u64 *index)
{
	struct rtpe_source *s = rtpe_source_claim(&c->sources, sender_of(p->data), p->now_us, RTPE_REFUSE);
	int err;

	if (!s)
		return -EALREADY;
	if (READ_ONCE(c->mirrors)) {
		*index = p->rtcp_index;
		rtpe_replay_accept(&s->rtcp, *index);	/* that it is new was found out on the way in */
		err = 0;
	} else {
		err = rtpe_replay_next(&s->rtcp, RTPE_RTCP_INDICES, index);
	}
	rtpe_source_touch(s, p->now_us);
	rtpe_source_put(s);
	return err;
}

int rtpe_srtcp_protect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	bool clear = c->rtcp.mode == RTPE_CIPHER_NULL || c->params.flags & RTPE_SRTP_UNENCRYPTED_RTCP;
	u64 index;
	u32 word;
	int err;

	if (p->len < HEADER_LEN)
		return -EPROTO;
	if (p->room < growth(c))
		return -EMSGSIZE;
	err = take_index(c, p, &index);
	if (err)
		return err;
	word = (u32)index | (clear ? 0 : ENCRYPTED);
	err = rtpe_mode_is_aead(c->rtcp.mode) ? close_aead(c, p->data, p->len, word) :
						close_hmac(c, p->data, p->len, word);
	if (err)
		return err;
	p->len += growth(c);
	p->room -= growth(c);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "srtp.h"

/*
 * A sender's roll-over can be missed only while nothing of it arrives. Until then
 * a packet whose tag is wrong is tried once, after that twice.
 */
#define RECOVERY_US 1000000

static __always_inline void build_iv(const struct rtpe_session *s, const struct rtpe_packet *p, u64 index, u8 iv[16])
{
	if (s->mode != RTPE_CIPHER_AES_F8) {
		rtpe_session_iv(s, p->ssrc, index, iv);
		return;
	}
	iv[0] = 0;
	memcpy(iv + 1, p->data + 1, 11);
	rtpe_write32((u32)(index >> 16), iv + 12);
}

/* What is encrypted and signed: the packet up to `len`, and the roll-over counter behind it. */
static __always_inline void describe(const struct rtpe_crypto *c, const struct rtpe_packet *p, u32 len, u64 index,
				     struct rtpe_sealing *what)
{
	what->data = p->data;
	what->clear = p->header_len;
	what->len = len;
	build_iv(&c->rtp, p, index, what->iv);
	rtpe_write32((u32)(index >> 16), what->tail);
}

/* Tries one index; the packet ends at `len` without its tag and MKI. */
static int open_hmac(const struct rtpe_crypto *c, struct rtpe_packet *p, u32 len, u64 index)
{
	struct rtpe_sealing what RTPE_UNINIT;

	describe(c, p, len, index, &what);
	return rtpe_session_unseal(&c->rtp, &what, p->data + len + c->params.mki_len);
}

static int open_aead(const struct rtpe_crypto *c, struct rtpe_packet *p, u32 len, u64 index)
{
	u8 iv[16] RTPE_UNINIT;

	rtpe_session_iv(&c->rtp, p->ssrc, index, iv);
	return c->rtp.ops->unseal(c->rtp.cipher, iv, p->data, p->header_len, p->data + p->header_len,
				  len - p->header_len);
}

static int open_at(const struct rtpe_crypto *c, struct rtpe_packet *p, u32 len, u64 index)
{
	return rtpe_mode_is_aead(c->rtp.mode) ? open_aead(c, p, len, index) : open_hmac(c, p, len, index);
}

/* Whether an index is still free; s is NULL for a new SSRC, of which those below top are used. */
static int check(const struct rtpe_source *s, u64 top, u64 index)
{
	if (index >= RTPE_RTP_INDICES)
		return -EALREADY;
	return s ? rtpe_replay_check(&s->rtp, index) : index < top ? -EALREADY : 0;
}

/* The index most likely, then the one a roll-over later; smaller ones would be replays. */
static int open_any(const struct rtpe_crypto *c, const struct rtpe_source *s, u64 top, struct rtpe_packet *p, u32 len,
		    u64 *index)
{
	bool retry = c->rtp.tag_len && (!s || p->now_us - READ_ONCE(s->last_us) >= RECOVERY_US);
	int first, err;

	*index = rtpe_srtp_guess(top, p->seq);
	first = check(s, top, *index);
	if (!first)
		first = open_at(c, p, len, *index);
	if (!first || !retry)
		return first;
	*index += 0x10000;
	err = check(s, top, *index);
	return !err && !open_at(c, p, len, *index) ? 0 : first;
}

int rtpe_srtp_unprotect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	u32 added = c->rtp.tag_len + c->params.mki_len;
	struct rtpe_source *s;
	u64 top, index;
	int err;

	if (p->len < p->header_len + added)
		return -EBADMSG;
	s = rtpe_source_get(&c->sources, p->ssrc);
	top = s ? READ_ONCE(s->rtp.top) : rtpe_source_past(&c->sources, p->ssrc);
	err = open_any(c, s, top, p, p->len - added, &index);
	if (!err && !s) {
		s = rtpe_source_claim(&c->sources, p->ssrc, p->now_us, RTPE_FORGET);
		err = s ? 0 : -EALREADY;
	}
	if (!err)
		err = rtpe_replay_accept(&s->rtp, index);
	if (!err) {
		rtpe_source_touch(s, p->now_us);
		p->len -= added;
		p->room += added;
	}
	if (s)
		rtpe_source_put(s);
	return err;
}

/* The index is taken before it is used: of two packets that want the same one only one gets it. */
static int take_index(struct rtpe_crypto *c, const struct rtpe_packet *p, u64 *index)
{
	struct rtpe_source *s = rtpe_source_claim(&c->sources, p->ssrc, p->now_us, RTPE_REFUSE);
	int err;

	if (!s)
		return -EALREADY;
	*index = rtpe_srtp_guess(READ_ONCE(s->rtp.top), p->seq);
	err = *index < RTPE_RTP_INDICES ? rtpe_replay_accept(&s->rtp, *index) : -EALREADY;
	if (!err)
		rtpe_source_touch(s, p->now_us);
	rtpe_source_put(s);
	return err;
}

static int close_hmac(const struct rtpe_crypto *c, struct rtpe_packet *p, u64 index)
{
	struct rtpe_sealing what RTPE_UNINIT;

	describe(c, p, p->len, index, &what);
	rtpe_crypto_append_mki(c, p->data + p->len);
	return rtpe_session_seal(&c->rtp, &what, p->data + p->len + c->params.mki_len);
}

static int close_aead(const struct rtpe_crypto *c, struct rtpe_packet *p, u64 index)
{
	u8 iv[16] RTPE_UNINIT;

	rtpe_session_iv(&c->rtp, p->ssrc, index, iv);
	rtpe_crypto_append_mki(c, p->data + p->len + RTPE_AEAD_TAG_LEN);
	return c->rtp.ops->seal(c->rtp.cipher, iv, p->data, p->header_len, p->data + p->header_len,
				p->len - p->header_len);
}

int rtpe_srtp_protect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	u32 added = c->rtp.tag_len + c->params.mki_len;
	u64 index;
	int err;

	if (p->room < added)
		return -EMSGSIZE;
	err = take_index(c, p, &index);
	if (!err)
		err = rtpe_mode_is_aead(c->rtp.mode) ? close_aead(c, p, index) : close_hmac(c, p, index);
	if (err)
		return err;
	p->len += added;
	p->room -= added;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "srtcp.h"

#define MAX_TAG_LEN 20
#define AEAD_FLAGS RTPE_SRTP_UNENCRYPTED_RTCP	/* all that RFC 7714 section 14 allows */

struct suite {
	u8 key_len, salt_len;
};

static const struct suite suites[] = {
	[RTPE_CIPHER_NULL] = { 16, 14 },
	[RTPE_CIPHER_AES_CM_128] = { 16, 14 },
	[RTPE_CIPHER_AES_F8] = { 16, 14 },
	[RTPE_CIPHER_AES_CM_192] = { 24, 14 },
	[RTPE_CIPHER_AES_CM_256] = { 32, 14 },
	[RTPE_CIPHER_AES_GCM_128] = { 16, 12 },
	[RTPE_CIPHER_AES_GCM_256] = { 32, 12 },
};

#define NUM_SUITES (sizeof(suites) / sizeof(suites[0]))

static bool all_zero(const u8 *from, const u8 *end)
{
	while (from < end)
		if (*from++)
			return false;
	return true;
}

/* Two structures for the same keys are the same bytes, so none may be hidden behind their ends. */
static bool tails_zero(const struct rtpe_srtp *p)
{
	return all_zero(p->key + p->key_len, p->key + sizeof(p->key)) &&
	       all_zero(p->salt + p->salt_len, p->salt + sizeof(p->salt)) &&
	       all_zero(p->mki + p->mki_len, p->mki + sizeof(p->mki));
}

static bool tags_valid(const struct rtpe_srtp *p)
{
	if (rtpe_mode_is_aead(p->cipher))
		return p->rtp_tag_len == RTPE_AEAD_TAG_LEN && p->rtcp_tag_len == RTPE_AEAD_TAG_LEN &&
		       !(p->flags & ~AEAD_FLAGS);
	if (p->hmac == RTPE_HMAC_NULL)
		return !p->rtp_tag_len && !p->rtcp_tag_len;
	return p->rtp_tag_len && p->rtp_tag_len <= MAX_TAG_LEN && p->rtcp_tag_len && p->rtcp_tag_len <= MAX_TAG_LEN;
}

int rtpe_crypto_check(const struct rtpe_srtp *params)
{
	u8 cipher = params->cipher, hmac = params->hmac;

	if (cipher >= NUM_SUITES || !suites[cipher].key_len)
		return -EOPNOTSUPP;
	if (rtpe_mode_is_aead(cipher) ? hmac > RTPE_HMAC_NULL : hmac != RTPE_HMAC_NULL && hmac != RTPE_HMAC_SHA1)
		return -EOPNOTSUPP;
	if (params->key_len != suites[cipher].key_len || params->salt_len != suites[cipher].salt_len)
		return -EOPNOTSUPP;
	if (params->mki_len > RTPE_MAX_MKI || params->flags & ~RTPE_SRTP_FLAGS)
		return -EINVAL;
	return tags_valid(params) && tails_zero(params) ? 0 : -EINVAL;
}

static int expand(struct rtpe_crypto *c, const struct rtpe_cipher_ops *ops)
{
	const struct rtpe_srtp *p = &c->params;
	u8 rtp_cipher = p->flags & RTPE_SRTP_UNENCRYPTED_RTP ? RTPE_CIPHER_NULL : p->cipher;
	u8 rtp_tag_len = p->flags & RTPE_SRTP_UNAUTHENTICATED_RTP ? 0 : p->rtp_tag_len;
	struct rtpe_cipher *prf;
	int err;

	err = rtpe_kdf_open(&prf, ops, p->key, p->key_len);
	if (err)
		return err;
	err = rtpe_session_open(&c->rtp, ops, p, prf, RTPE_KDF_RTP_KEY, rtp_cipher, rtp_tag_len);
	if (!err)
		err = rtpe_session_open(&c->rtcp, ops, p, prf, RTPE_KDF_RTCP_KEY, p->cipher, p->rtcp_tag_len);
	ops->cipher_close(prf);
	return err;
}

int rtpe_crypto_open(struct rtpe_crypto **out, const struct rtpe_cipher_ops *ops, const struct rtpe_srtp *params)
{
	struct rtpe_crypto *c;
	int err;

	err = rtpe_crypto_check(params);
	if (err)
		return err;
	c = rtpe_alloc(sizeof(*c));
	if (!c)
		return -ENOMEM;
	rtpe_ref_init(&c->refs);
	c->params = *params;
	rtpe_sources_init(&c->sources);
	err = expand(c, ops);
	if (err) {
		rtpe_crypto_unref(c);
		return err;
	}
	*out = c;
	return 0;
}

struct rtpe_crypto *rtpe_crypto_ref(struct rtpe_crypto *c)
{
	rtpe_ref_get(&c->refs);
	return c;
}

void rtpe_crypto_unref(struct rtpe_crypto *c)
{
	if (!rtpe_ref_put(&c->refs))
		return;
	rtpe_session_close(&c->rtp);
	rtpe_session_close(&c->rtcp);
	rtpe_sources_exit(&c->sources);
	rtpe_wipe(c, sizeof(*c));
	rtpe_free(c);
}

bool rtpe_crypto_is(const struct rtpe_crypto *c, const struct rtpe_srtp *params)
{
	return !memcmp(&c->params, params, sizeof(*params));
}

bool rtpe_crypto_shares_keys(const struct rtpe_crypto *c, const struct rtpe_srtp *params)
{
	return !memcmp(c->params.key, params->key, sizeof(params->key)) &&
	       !memcmp(c->params.salt, params->salt, sizeof(params->salt));
}

void rtpe_crypto_mirror(struct rtpe_crypto *c, const struct rtpe_crypto *opened)
{
	WRITE_ONCE(c->mirrors, opened && rtpe_crypto_shares_keys(opened, &c->params));
}

u32 rtpe_crypto_growth(const struct rtpe_crypto *c)
{
	u32 rtp = c->rtp.tag_len, rtcp = RTPE_SRTCP_WORD_LEN + c->rtcp.tag_len;

	return (rtp > rtcp ? rtp : rtcp) + c->params.mki_len;
}

int rtpe_crypto_unprotect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	if (likely(p->kind == RTPE_KIND_RTP))
		return rtpe_srtp_unprotect(c, p);
	return p->kind == RTPE_KIND_RTCP ? rtpe_srtcp_unprotect(c, p) : -EPROTO;
}

int rtpe_crypto_protect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	if (likely(p->kind == RTPE_KIND_RTP))
		return rtpe_srtp_protect(c, p);
	return p->kind == RTPE_KIND_RTCP ? rtpe_srtcp_protect(c, p) : -EPROTO;
}

int rtpe_crypto_state_check(const struct rtpe_srtp_state *state)
{
	if (state->valid != 1 || !all_zero(state->reserved, state->reserved + sizeof(state->reserved)))
		return -EINVAL;
	return rtpe_replay_valid(&state->rtp, RTPE_RTP_INDICES) && rtpe_replay_valid(&state->rtcp, RTPE_RTCP_INDICES) ?
		0 : -EINVAL;
}

/* As recently used as the most recent: what another engine carries is in use. */
static u64 latest_us(const struct rtpe_sources *all)
{
	u64 latest = 0;
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		if (READ_ONCE(all->live[i].last_us) > latest)
			latest = READ_ONCE(all->live[i].last_us);
	return latest;
}

void rtpe_crypto_seed(struct rtpe_crypto *c, const struct rtpe_srtp_state *from)
{
	struct rtpe_source *s = rtpe_source_claim(&c->sources, from->ssrc, latest_us(&c->sources), RTPE_REFUSE);

	if (!s)
		return;
	rtpe_replay_merge(&s->rtp, &from->rtp);
	rtpe_replay_merge(&s->rtcp, &from->rtcp);
	rtpe_source_put(s);
}

u32 rtpe_crypto_states(struct rtpe_crypto *c, struct rtpe_srtp_state *out)
{
	struct rtpe_source *s;
	u32 i, ssrc, n = 0;

	for (i = 0; i < RTPE_MAX_SSRCS; i++) {
		ssrc = READ_ONCE(c->sources.live[i].ssrc);
		s = READ_ONCE(c->sources.live[i].valid) ? rtpe_source_get(&c->sources, ssrc) : NULL;
		if (!s)
			continue;
		memset(&out[n], 0, sizeof(out[n]));
		out[n].ssrc = ssrc;
		out[n].valid = 1;
		rtpe_replay_copy(&out[n].rtp, &s->rtp);
		rtpe_replay_copy(&out[n].rtcp, &s->rtcp);
		n++;
		rtpe_source_put(s);
	}
	return n;
}

/* Packets may go on using `before` for a moment: what they number themselves stays out of their way. */
int rtpe_crypto_follow(struct rtpe_crypto *c, struct rtpe_crypto *before)
{
	struct rtpe_srtp_state *states = rtpe_alloc(RTPE_MAX_SSRCS * sizeof(*states));
	u32 n, i;

	if (!states)
		return -ENOMEM;
	rtpe_sources_follow(&c->sources, &before->sources);
	n = rtpe_crypto_states(before, states);
	for (i = 0; i < n; i++) {
		states[i].rtcp.top += RTPE_SRTCP_RESERVE;
		rtpe_crypto_seed(c, &states[i]);
	}
	rtpe_free(states);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "../core/srtp.h"
#include "selftest.h"
#include "vectors.h"

#define ROOM 256

/* What a vector needs; too much for a kernel's stack. */
struct scratch {
	u8 plain[ROOM], cipher_text[ROOM], work[ROOM];
	u8 key[32], salt[16], mask[32];
};

static u8 digit(char c)
{
	return (u8)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static u32 unhex(u8 *out, const char *hex)
{
	u32 n;

	for (n = 0; hex && hex[2 * n]; n++)
		out[n] = (u8)(digit(hex[2 * n]) << 4 | digit(hex[2 * n + 1]));
	return n;
}

static bool stream_right(const struct rtpe_cipher_ops *ops, const struct rtpe_stream_vector *v, struct scratch *s)
{
	u32 key_len = unhex(s->key, v->key), len = unhex(s->cipher_text, v->stream);
	struct rtpe_cipher *c;
	bool right;

	unhex(s->salt, v->counter);
	if (ops->cipher_open(&c, v->cipher, s->key, key_len))
		return false;
	memset(s->work, 0, len);
	right = !ops->ctr(c, s->salt, s->work, len) && !memcmp(s->work, s->cipher_text, len);
	ops->cipher_close(c);
	return right;
}

static bool derives(const struct rtpe_cipher_ops *ops, struct rtpe_cipher *prf, enum rtpe_kdf_label label,
		    const char *expected, struct scratch *s)
{
	u32 len = unhex(s->plain, expected);

	return !rtpe_kdf_derive(prf, ops, s->salt, label, s->work, len) && !memcmp(s->work, s->plain, len);
}

static bool kdf_right(const struct rtpe_cipher_ops *ops, const struct rtpe_kdf_vector *v, struct scratch *s)
{
	u32 key_len = unhex(s->key, v->key);
	struct rtpe_cipher *prf;
	bool right;

	unhex(s->salt, v->salt);
	if (rtpe_kdf_open(&prf, ops, s->key, key_len))
		return false;
	right = derives(ops, prf, RTPE_KDF_RTP_KEY, v->session_key, s) &&
		derives(ops, prf, RTPE_KDF_RTP_AUTH, v->session_auth, s) &&
		derives(ops, prf, RTPE_KDF_RTP_SALT, v->session_salt, s);
	ops->cipher_close(prf);
	return right;
}

/* Puts the vector's own session keys in the place of those derived. */
static int use_session_keys(struct rtpe_session *n, const struct rtpe_packet_vector *v, const struct scratch *s,
			    u32 key_len)
{
	int err = 0;

	n->ops->cipher_close(n->cipher);
	n->cipher = NULL;
	if (n->mask) {
		n->ops->cipher_close(n->mask);
		n->mask = NULL;
		err = n->ops->cipher_open(&n->mask, v->cipher, s->mask, key_len);
	}
	memcpy(n->salt, s->salt, sizeof(n->salt));
	return err ? err : n->ops->cipher_open(&n->cipher, v->cipher, s->key, key_len);
}

static struct rtpe_crypto *open(const struct rtpe_cipher_ops *ops, const struct rtpe_packet_vector *v, struct scratch *s)
{
	struct rtpe_srtp params = { .cipher = v->cipher, .hmac = v->hmac, .flags = v->flags,
				    .rtp_tag_len = v->tag_len, .rtcp_tag_len = v->tag_len };
	struct rtpe_crypto *c;

	memset(s->salt, 0, sizeof(s->salt));
	params.key_len = (u8)unhex(s->key, v->key);
	unhex(s->salt, v->salt);
	unhex(s->mask, v->mask);
	params.salt_len = v->tag_len == RTPE_AEAD_TAG_LEN ? 12 : 14;
	memcpy(params.key, s->key, params.key_len);
	memcpy(params.salt, s->salt, params.salt_len);
	if (rtpe_crypto_open(&c, ops, &params))
		return NULL;
	if (!v->session || !use_session_keys(v->rtcp ? &c->rtcp : &c->rtp, v, s, params.key_len))
		return c;
	rtpe_crypto_unref(c);
	return NULL;
}

static void load(struct rtpe_packet *p, const struct rtpe_packet_vector *v, struct scratch *s, const u8 *from, u32 len)
{
	memset(p, 0, sizeof(*p));
	p->data = memcpy(s->work, from, len);
	p->len = len;
	p->room = ROOM - len;
	p->kind = v->rtcp ? RTPE_KIND_RTCP : RTPE_KIND_RTP;
	p->header_len = RTPE_RTP_HEADER_LEN;
	p->seq = rtpe_read16(s->work + 2);
	memcpy(&p->ssrc, s->work + (v->rtcp ? 4 : 8), 4);
}

/* Everything before the vector's index was used. */
static void advance(struct rtpe_crypto *c, const struct rtpe_packet_vector *v, u32 ssrc)
{
	struct rtpe_srtp_state state = { .ssrc = ssrc, .valid = 1 };

	rtpe_replay_start(v->rtcp ? &state.rtcp : &state.rtp, v->index);
	rtpe_crypto_seed(c, &state);
}

static bool same(const struct rtpe_packet *p, const u8 *bytes, u32 len)
{
	return p->len == len && !memcmp(p->data, bytes, len);
}

static bool protects(struct rtpe_crypto *c, const struct rtpe_packet_vector *v, struct scratch *s, u32 len, u32 full)
{
	struct rtpe_packet p;

	load(&p, v, s, s->plain, len);
	advance(c, v, p.ssrc);
	return !rtpe_crypto_protect(c, &p) && same(&p, s->cipher_text, full);
}

/* Not with a bit that is wrong (a vector has a tag, or it cannot tell), and not twice. */
static bool unprotects(struct rtpe_crypto *c, const struct rtpe_packet_vector *v, struct scratch *s, u32 len, u32 full)
{
	struct rtpe_packet p;

	load(&p, v, s, s->cipher_text, full);
	advance(c, v, p.ssrc);
	s->work[full - 5] ^= 0x10;
	if (v->tag_len && rtpe_crypto_unprotect(c, &p) != -EBADMSG)
		return false;
	load(&p, v, s, s->cipher_text, full);
	if (rtpe_crypto_unprotect(c, &p) || !same(&p, s->plain, len))
		return false;
	load(&p, v, s, s->cipher_text, full);
	return rtpe_crypto_unprotect(c, &p) == -EALREADY;
}

static bool packet_right(const struct rtpe_cipher_ops *ops, const struct rtpe_packet_vector *v, struct scratch *s)
{
	u32 len = unhex(s->plain, v->plain), full = unhex(s->cipher_text, v->cipher_text);
	struct rtpe_crypto *out = open(ops, v, s), *in = open(ops, v, s);
	bool right = out && in && protects(out, v, s, len, full) && unprotects(in, v, s, len, full);

	if (out)
		rtpe_crypto_unref(out);
	if (in)
		rtpe_crypto_unref(in);
	return right;
}

static const char *first_wrong(const struct rtpe_cipher_ops *ops, struct scratch *s)
{
	const struct rtpe_stream_vector *stream;
	const struct rtpe_kdf_vector *kdf;
	const struct rtpe_packet_vector *packet;

	for (stream = rtpe_stream_vectors; stream->name; stream++)
		if (!stream_right(ops, stream, s))
			return stream->name;
	for (kdf = rtpe_kdf_vectors; kdf->name; kdf++)
		if (!kdf_right(ops, kdf, s))
			return kdf->name;
	for (packet = rtpe_packet_vectors; packet->name; packet++)
		if (!packet_right(ops, packet, s))
			return packet->name;
	return NULL;
}

const char *rtpe_selftest_srtp(const struct rtpe_cipher_ops *ops)
{
	struct scratch *s = rtpe_alloc(sizeof(*s));
	const char *wrong = s ? first_wrong(ops, s) : "no memory";

	if (s)
		rtpe_free(s);
	return wrong;
}

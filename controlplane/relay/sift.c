// SPDX-License-Identifier: GPL-3.0-or-later
#include "sift.h"

#include <openssl/evp.h>
#include <sys/random.h>

#include "hmac_openssl.h"

/*
 * Sources are told apart by their address, and by the upper half of an IPv6 address, as the lower one costs nothing;
 * nor do ports. One of both having credit is enough: so neither who has many addresses nor a neighbour holds others up.
 */
#define GROUPS 16
enum { BY_NETWORK, BY_ADDRESS, WAYS };

#define STUN_HEADER 20
#define STUN_ATTRIBUTE 4
#define STUN_INTEGRITY 8
#define SHA1_SIZE 20

#define RECORD_HEADER 13
#define RECORD_HANDSHAKE 22
#define MESSAGE_HEADER 12
#define CLIENT_HELLO 1
#define CERTIFICATE 11
#define HELLO_RANDOM 34		/* version and random */
#define DTLS_MAJOR 0xfe

/* So many at once, then one every so many microseconds. */
struct rate {
	u64 burst, interval_us;
};

static const struct rate rates[RTPE_WORTHS] = {
	[RTPE_WORTH_PROVEN] = { 100, 5000 },
	[RTPE_WORTH_HELLO] = { 50, 10000 },
	[RTPE_WORTH_OTHER] = { 50, 10000 },
};

/* What is not proven, for a second behind a proof by DTLS, that is from one address. */
static const struct rate hurried = { 200, 500 };
#define HURRY_US 1000000

static const struct {
	u32 size;
	const EVP_MD *(*hash)(void);
} hashes[] = { { 20, EVP_sha1 }, { 28, EVP_sha224 }, { 32, EVP_sha256 }, { 48, EVP_sha384 }, { 64, EVP_sha512 } };

struct group {
	struct rtpe_credit credits[RTPE_WORTHS];
	struct rtpe_credit hurried;
	u64 hurry_until_us;
};

struct rtpe_sift {
	struct rtpe_mac *passwords[RTPE_EXPECTED_KEYS];
	struct rtpe_mac *cookies;	/* NULL: none is ours */
	u32 num_fingerprints;
	struct rtpe_secret fingerprints[RTPE_EXPECTED_KEYS];
	u64 salt;			/* nobody chooses whom to share credits with */
	struct group groups[WAYS][GROUPS];
	struct rtpe_deferred deferred;
};

void rtpe_sift_free(struct rtpe_sift *s)
{
	u32 i;

	if (!s)
		return;
	for (i = 0; i < RTPE_EXPECTED_KEYS; i++)
		if (s->passwords[i])
			rtpe_hmac_close(s->passwords[i]);
	if (s->cookies)
		rtpe_hmac_close(s->cookies);
	rtpe_free(s);
}

static int open_keys(struct rtpe_sift *s, const struct rtpe_expected *e)
{
	u32 i;
	int err = 0;

	for (i = 0; i < RTPE_EXPECTED_KEYS && !err; i++)
		if (e->passwords[i].len)
			err = rtpe_hmac_open(&s->passwords[i], e->passwords[i].data, e->passwords[i].len);
	if (!err && e->cookies.len)
		err = rtpe_hmac_open(&s->cookies, e->cookies.data, e->cookies.len);
	return err;
}

int rtpe_sift_new(struct rtpe_sift **out, const struct rtpe_expected *e)
{
	struct rtpe_sift *s = rtpe_alloc(sizeof(*s));
	int err;
	u32 i;

	if (!s)
		return -ENOMEM;
	err = open_keys(s, e);
	if (err) {
		rtpe_sift_free(s);
		return err;
	}
	for (i = 0; i < RTPE_EXPECTED_KEYS; i++)
		if (e->fingerprints[i].len)
			s->fingerprints[s->num_fingerprints++] = e->fingerprints[i];
	if (getrandom(&s->salt, sizeof(s->salt), 0) < 0) {
		rtpe_sift_free(s);
		return -errno;
	}
	*out = s;
	return 0;
}

static void release_deferred(struct rtpe_deferred *d)
{
	rtpe_sift_free(container_of(d, struct rtpe_sift, deferred));
}

void rtpe_sift_retire(struct rtpe_sift *s)
{
	if (s)
		rtpe_defer(&s->deferred, release_deferred);
}

static u32 read24(const u8 *p)
{
	return (u32)p[0] << 16 | (u32)p[1] << 8 | p[2];
}

/* Where MESSAGE-INTEGRITY begins; 0: there is none. */
static u32 integrity_at(const struct rtpe_packet *p)
{
	u32 at = STUN_HEADER, type, len;

	for (; at + STUN_ATTRIBUTE <= p->len; at += STUN_ATTRIBUTE + ((len + 3) & ~3u)) {
		type = rtpe_read16(p->data + at);
		len = rtpe_read16(p->data + at + 2);
		if (type == STUN_INTEGRITY)
			return len == SHA1_SIZE && at + STUN_ATTRIBUTE + len <= p->len ? at : 0;
	}
	return 0;
}

/* RFC 8489 section 14.5: over all that precedes it, with a length that ends behind it. */
static enum rtpe_worth judge_stun(const struct rtpe_sift *s, const struct rtpe_packet *p)
{
	u8 covered[RTPE_HANDED_BYTES], sum[SHA1_SIZE];
	u32 at = integrity_at(p), len, i;

	if (!at || at > sizeof(covered))
		return RTPE_WORTH_OTHER;
	memcpy(covered, p->data, at);
	len = at + STUN_ATTRIBUTE + SHA1_SIZE - STUN_HEADER;
	covered[2] = (u8)(len >> 8);
	covered[3] = (u8)len;
	for (i = 0; i < RTPE_EXPECTED_KEYS; i++)
		if (s->passwords[i] && !rtpe_hmac(s->passwords[i], covered, at, NULL, sum) &&
		    !rtpe_differ(sum, p->data + at + STUN_ATTRIBUTE, SHA1_SIZE))
			return RTPE_WORTH_PROVEN;
	return RTPE_WORTH_OTHER;
}

/* What Identity.cookie() makes (controlplane/dtls/identity.py). */
static bool has_cookie(const struct rtpe_sift *s, const struct rtpe_packet *p, const u8 *hello, u32 len)
{
	u8 made[SHA1_SIZE], source[18];
	u32 at = HELLO_RANDOM;

	if (!s->cookies || at >= len)
		return false;
	at += 1 + hello[at];		/* the session's id */
	if (at >= len || hello[at] != RTPE_COOKIE_BYTES || at + 1 + RTPE_COOKIE_BYTES > len)
		return false;
	memcpy(source, p->src.ip, 16);
	memcpy(source + 16, &p->src.port, 2);
	return !rtpe_hmac(s->cookies, source, sizeof(source), NULL, made) &&
	       !rtpe_differ(made, hello + at + 1, RTPE_COOKIE_BYTES);
}

static bool is_fingerprint(const struct rtpe_secret *f, const u8 *certificate, u32 len)
{
	u8 made[EVP_MAX_MD_SIZE];
	u32 i;

	for (i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
		if (hashes[i].size == f->len)
			return EVP_Digest(certificate, len, made, NULL, hashes[i].hash(), NULL) &&
			       !memcmp(made, f->data, f->len);
	return false;
}

/* The first of a list of certificates is the party's own (RFC 5246 section 7.4.2). */
static bool has_fingerprint(const struct rtpe_sift *s, const u8 *list, u32 len)
{
	u32 size = len < 6 ? 0 : read24(list + 3), i;

	if (!size || size > len - 6)
		return false;
	for (i = 0; i < s->num_fingerprints; i++)
		if (is_fingerprint(&s->fingerprints[i], list + 6, size))
			return true;
	return false;
}

/* A Certificate message as far as a datagram has it: some send it in several records. */
struct pieces {
	u32 len;
	u8 data[RTPE_HANDED_BYTES];
};

/* Puts a fragment to the others; the message as a whole has `size` bytes. */
static bool has_certificate(const struct rtpe_sift *s, struct pieces *c, const u8 *fragment, u32 at, u32 len, u32 size)
{
	if (at != c->len || len > sizeof(c->data) - at)
		return false;
	memcpy(c->data + at, fragment, len);
	c->len += len;
	return c->len == size && has_fingerprint(s, c->data, size);
}

/* A record of handshake messages in clear: what the first decisive one says. */
static enum rtpe_worth judge_messages(const struct rtpe_sift *s, const struct rtpe_packet *p, struct pieces *c,
				      const u8 *message, u32 len)
{
	enum rtpe_worth worth = RTPE_WORTH_OTHER;
	const u8 *body;
	u32 at, size;

	for (; len >= MESSAGE_HEADER; message = body + size, len -= MESSAGE_HEADER + size) {
		body = message + MESSAGE_HEADER;
		at = read24(message + 6);
		size = read24(message + 9);		/* of this fragment */
		if (size > len - MESSAGE_HEADER)
			break;
		if (message[0] == CERTIFICATE && has_certificate(s, c, body, at, size, read24(message + 1)))
			return RTPE_WORTH_PROVEN;
		if (message[0] == CLIENT_HELLO && !at && has_cookie(s, p, body, size))
			return RTPE_WORTH_PROVEN;
		if (message[0] == CLIENT_HELLO)
			worth = RTPE_WORTH_HELLO;
	}
	return worth;
}

static enum rtpe_worth judge_dtls(const struct rtpe_sift *s, const struct rtpe_packet *p)
{
	enum rtpe_worth worth = RTPE_WORTH_OTHER, found;
	struct pieces certificate;
	u32 at = 0, len;
	const u8 *record;

	certificate.len = 0;
	for (; at < p->len; at += RECORD_HEADER + len) {
		record = p->data + at;
		if (p->len - at < RECORD_HEADER || record[0] < 20 || record[0] > 63 || record[1] != DTLS_MAJOR)
			return RTPE_WORTH_NOTHING;
		len = rtpe_read16(record + 11);
		if (len > p->len - at - RECORD_HEADER)
			return RTPE_WORTH_NOTHING;
		if (record[0] != RECORD_HANDSHAKE || rtpe_read16(record + 3))
			continue;
		found = judge_messages(s, p, &certificate, record + RECORD_HEADER, len);
		if (found < worth)
			worth = found;
	}
	return worth;
}

enum rtpe_worth rtpe_sift_judge(const struct rtpe_sift *s, const struct rtpe_packet *p)
{
	return p->kind == RTPE_KIND_STUN ? judge_stun(s, p) : judge_dtls(s, p);
}

static struct group *group_of(struct rtpe_sift *s, const struct rtpe_addr *src, int way)
{
	u64 half[2], mixed;

	memcpy(half, src->ip, sizeof(half));
	mixed = (half[0] ^ s->salt) * 0x9e3779b97f4a7c15ull;
	if (way == BY_ADDRESS)
		mixed = (half[1] ^ mixed ^ mixed >> 31) * 0xbf58476d1ce4e5b9ull;
	return &s->groups[way][(mixed ^ mixed >> 29) >> 32 & (GROUPS - 1)];
}

static bool pays(struct group *g, const struct rtpe_packet *p, enum rtpe_worth worth)
{
	if (worth == RTPE_WORTH_OTHER && p->kind == RTPE_KIND_DTLS && p->now_us < g->hurry_until_us)
		return rtpe_credit_pay(&g->hurried, p->now_us, hurried.burst, hurried.interval_us);
	return rtpe_credit_pay(&g->credits[worth], p->now_us, rates[worth].burst, rates[worth].interval_us);
}

bool rtpe_sift_admits(struct rtpe_sift *s, const struct rtpe_packet *p)
{
	enum rtpe_worth worth = rtpe_sift_judge(s, p);
	struct group *network = group_of(s, &p->src, BY_NETWORK), *address = group_of(s, &p->src, BY_ADDRESS);

	if (worth == RTPE_WORTH_NOTHING)
		return false;
	if (worth == RTPE_WORTH_PROVEN && p->kind == RTPE_KIND_DTLS)
		address->hurry_until_us = p->now_us + HURRY_US;
	return pays(address, p, worth) || pays(network, p, worth);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* SRTP and SRTCP: known answers, what is refused, roll-over, hand-over. */
#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/srtp.h"
#include "../../kmod/selftest/selftest.h"
#include "check.h"
#include "media.h"
#include "suites.h"
#include "support.h"

#define START 1700000000000000
#define SECOND 1000000

static struct rtpe_crypto *opened(const struct rtpe_srtp *keys)
{
	struct rtpe_crypto *c;

	CHECK_EQ(rtpe_crypto_open(&c, &rtpe_openssl_ciphers, keys), 0);
	return c;
}

static bool tagged(u32 suite, bool rtcp)
{
	return suites[suite].hmac != RTPE_HMAC_NULL || suites[suite].cipher >= RTPE_CIPHER_AES_GCM_128 ?
		rtcp || !(suites[suite].flags & RTPE_SRTP_UNAUTHENTICATED_RTP) : false;
}

/* RTP of `len` bytes of payload, or a receiver report, at a time in seconds. */
static void make(struct rtpe_packet *p, u64 index, u32 len, bool rtcp, u32 room)
{
	u8 bytes[1600] = { 0x80, 0, (u8)(index >> 8), (u8)index, 0, 0, 0, 1, 'S', 'S', 'R', 'C' };
	u32 i;

	if (rtcp) {
		memcpy(bytes, "\x80\xc9\0\1SSRC", 8);
		bytes[3] = (u8)(1 + len / 4);
		len = len / 4 * 4 - 4;
	}
	for (i = 12; i < 12 + len; i++)
		bytes[i] = (u8)(i * 5);
	media_packet(p, bytes, 12 + len, room);
	p->now_us = START;
	CHECK_EQ(p->kind, rtcp ? RTPE_KIND_RTCP : RTPE_KIND_RTP);
}

static int pass_on(struct rtpe_crypto *c, const struct rtpe_packet *from, u64 now_us)
{
	struct rtpe_packet p;
	int err;

	media_packet(&p, from->data, from->len, 0);
	p.now_us = now_us;
	err = p.kind == RTPE_KIND_OTHER ? -EPROTO : rtpe_crypto_unprotect(c, &p);
	if (err == -EBADMSG)
		CHECK(p.len == from->len && !memcmp(p.data, from->data, p.len));
	media_free(&p);
	return err;
}

/* What a sender makes of sequence number `index`, to be freed. */
static void send(struct rtpe_packet *p, struct rtpe_crypto *c, u64 index)
{
	make(p, index, 20, false, 32);
	CHECK_EQ(rtpe_crypto_protect(c, p), 0);
}

/* A sender that has come as far as `index`. */
static struct rtpe_crypto *sender_at(const struct rtpe_srtp *keys, u64 index)
{
	struct rtpe_srtp_state s = { .valid = 1 };
	struct rtpe_crypto *c = opened(keys);

	memcpy(&s.ssrc, "SSRC", 4);
	rtpe_replay_start(&s.rtp, index);
	rtpe_crypto_seed(c, &s);
	return c;
}

TEST(srtp_known_answers)
{
	const char *wrong = rtpe_selftest_srtp(&rtpe_openssl_ciphers);

	check_case(wrong ? wrong : "all right");
	CHECK(!wrong);
}

TEST(srtp_there_and_back)
{
	static const u32 lengths[] = { 0, 4, 16, 20, 160, 164, 1200 };
	struct rtpe_crypto *in, *out;
	struct rtpe_packet p, plain;
	struct rtpe_srtp keys;
	u32 suite, i, growth;
	u8 mki;
	bool rtcp;

	for (suite = 0; suite < COUNT(suites); suite++)
		for (mki = 0; mki <= 4; mki += 4)
			for (rtcp = false, i = 0; i < 2 * COUNT(lengths); i++, rtcp = i >= COUNT(lengths)) {
				keys = keys_of(suite, mki);
				in = opened(&keys);
				out = opened(&keys);
				growth = rtpe_crypto_growth(out);
				make(&plain, 1, lengths[i % COUNT(lengths)], rtcp, 0);
				make(&p, 1, lengths[i % COUNT(lengths)], rtcp, growth);
				CHECK_EQ(rtpe_crypto_protect(out, &p), 0);
				CHECK(p.len <= plain.len + growth && p.len + p.room == plain.len + growth);
				CHECK_EQ(rtpe_crypto_unprotect(in, &p), 0);
				CHECK_EQ(p.len, plain.len);
				CHECK(!memcmp(p.data, plain.data, p.len));
				media_free(&p);
				media_free(&plain);
				rtpe_crypto_unref(in);
				rtpe_crypto_unref(out);
			}
}

TEST(srtp_room_is_asked_for_before_an_index_is_used)
{
	struct rtpe_srtp keys = keys_of(1, 4);
	struct rtpe_crypto *c = opened(&keys);
	struct rtpe_srtp_state state;
	struct rtpe_packet p;

	make(&p, 1, 20, false, 13);
	CHECK_EQ(rtpe_crypto_protect(c, &p), -EMSGSIZE);
	media_free(&p);
	make(&p, 1, 20, true, 17);
	CHECK_EQ(rtpe_crypto_protect(c, &p), -EMSGSIZE);
	p.kind = RTPE_KIND_OTHER;
	CHECK_EQ(rtpe_crypto_protect(c, &p), -EPROTO);
	CHECK_EQ(rtpe_crypto_unprotect(c, &p), -EPROTO);
	media_free(&p);
	CHECK_EQ(rtpe_crypto_states(c, &state), 0);
	rtpe_crypto_unref(c);
}

/* Every bit of the packet but its MKI, and every shorter one: refused, and the packet itself is still good then. */
TEST(srtp_every_wrong_bit_is_refused)
{
	u32 suite, bit, len, mki_at, mki_end;
	struct rtpe_crypto *in, *out;
	struct rtpe_srtp_state state[RTPE_MAX_SSRCS];
	struct rtpe_packet p;
	struct rtpe_srtp keys;
	bool rtcp;
	int err;

	for (suite = 0; suite < 2 * COUNT(suites); suite++) {
		rtcp = suite >= COUNT(suites);
		keys = keys_of(suite % COUNT(suites), 4);
		if (!tagged(suite % COUNT(suites), rtcp))
			continue;
		in = opened(&keys);
		out = opened(&keys);
		make(&p, 1000, 20, rtcp, 64);
		CHECK_EQ(rtpe_crypto_protect(out, &p), 0);
		mki_end = p.len - (keys.cipher >= RTPE_CIPHER_AES_GCM_128 ? 0 :
				   rtcp ? keys.rtcp_tag_len : keys.rtp_tag_len);
		mki_at = mki_end - 4;
		for (bit = rtcp ? 16 : 0; bit < p.len * 8; bit++) {	/* RTCP that looks like RTP is not */
			if (bit / 8 >= mki_at && bit / 8 < mki_end)
				continue;
			p.data[bit / 8] ^= (u8)(1 << bit % 8);
			err = pass_on(in, &p, START + bit);
			p.data[bit / 8] ^= (u8)(1 << bit % 8);
			CHECK(err == -EBADMSG || err == -EPROTO);
		}
		for (len = 0, bit = p.len; len < bit; len++) {
			p.len = len;
			err = pass_on(in, &p, START);
			CHECK(err == -EBADMSG || err == -EPROTO);
		}
		p.len = bit;
		CHECK_EQ(rtpe_crypto_states(in, state), 0);
		p.data[mki_at] ^= 0xff;		/* skipped, not compared */
		CHECK_EQ(pass_on(in, &p, START), 0);
		CHECK_EQ(pass_on(in, &p, START), -EALREADY);
		CHECK_EQ(rtpe_crypto_states(in, state), 1);
		media_free(&p);
		rtpe_crypto_unref(in);
		rtpe_crypto_unref(out);
	}
}

TEST(srtp_guess_of_the_index)
{
	static const struct {
		const char *name;
		u64 top;
		u16 seq;
		u64 index;
	} rows[] = {
		{ "first", 0, 65535, 65535 },
		{ "next", 101, 101, 101 },
		{ "over the wrap", 65536, 0, 65536 },
		{ "late over the wrap", 65537, 65535, 65535 },
		{ "nothing before the first", 1, 65535, 65535 },
		{ "half ahead", 65536 + 101, 100 + 32768, 65536 + 100 + 32768 },
		{ "more than half ahead", 65536 + 101, 100 + 32769, 100 + 32769 },
		{ "half behind", 65536 + 40001, 40000 - 32768, 65536 + 40000 - 32768 },
		{ "more than half behind", 65536 + 40001, 40000 - 32769, 2 * 65536 + 40000 - 32769 },
	};
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		CHECK_EQ(rtpe_srtp_guess(rows[i].top, rows[i].seq), rows[i].index);
	}
}

static const u32 recovering[] = { 1, 6 };	/* an HMAC and an AEAD suite */

/* After a silence the roll-over may be one further than thought; while packets come it is not tried. */
TEST(srtp_missed_rollover_is_found_after_a_silence)
{
	struct rtpe_crypto *in, *out;
	struct rtpe_packet before, far, farther, forged;
	struct rtpe_srtp keys;
	u32 i;

	for (i = 0; i < COUNT(recovering); i++) {
		keys = keys_of(recovering[i], 0);
		in = opened(&keys);
		out = sender_at(&keys, 0);
		send(&before, out, 1000);
		CHECK_EQ(pass_on(in, &before, START), 0);
		rtpe_crypto_unref(out);
		out = sender_at(&keys, 65536 + 2000);	/* everything in between is lost */
		send(&far, out, 2000);
		send(&forged, out, 2001);
		forged.data[20] ^= 1;
		CHECK_EQ(pass_on(in, &far, START + SECOND - 1), -EBADMSG);
		CHECK_EQ(pass_on(in, &forged, START + SECOND), -EBADMSG);
		CHECK_EQ(pass_on(in, &far, START + SECOND), 0);
		CHECK_EQ(pass_on(in, &far, START + 3 * SECOND), -EALREADY);
		CHECK_EQ(pass_on(in, &before, START + 5 * SECOND), -EALREADY);
		rtpe_crypto_unref(out);
		out = sender_at(&keys, 4 * 65536 + 2100);
		send(&farther, out, 2100);
		CHECK_EQ(pass_on(in, &farther, START + 9 * SECOND), -EBADMSG);
		media_free(&before);
		media_free(&far);
		media_free(&farther);
		media_free(&forged);
		rtpe_crypto_unref(in);
		rtpe_crypto_unref(out);
	}
}

/* Who joins a stream that has wrapped once already. */
TEST(srtp_first_packet_may_be_after_a_rollover)
{
	struct rtpe_crypto *in, *out;
	struct rtpe_packet p;
	struct rtpe_srtp keys;
	u32 i;

	for (i = 0; i < COUNT(recovering); i++) {
		keys = keys_of(recovering[i], 0);
		in = opened(&keys);
		out = sender_at(&keys, 65536 + 7);
		send(&p, out, 7);
		CHECK_EQ(pass_on(in, &p, START), 0);
		CHECK_EQ(pass_on(in, &p, START + 2 * SECOND), -EALREADY);
		media_free(&p);
		rtpe_crypto_unref(in);
		rtpe_crypto_unref(out);
	}
}

TEST(srtp_no_index_beyond_the_last)
{
	struct rtpe_srtp keys = keys_of(1, 0);
	struct rtpe_srtp_state s = { .valid = 1 };
	struct rtpe_crypto *out = sender_at(&keys, (1ull << 48) - 1);
	struct rtpe_packet p;

	send(&p, out, 65535);
	media_free(&p);
	make(&p, 0, 20, false, 32);
	CHECK_EQ(rtpe_crypto_protect(out, &p), -EALREADY);
	media_free(&p);
	memcpy(&s.ssrc, "SSRC", 4);
	s.rtcp.top = (1ull << 31) - 1;
	rtpe_crypto_seed(out, &s);
	make(&p, 0, 20, true, 32);
	CHECK_EQ(rtpe_crypto_protect(out, &p), 0);
	media_free(&p);
	make(&p, 0, 20, true, 32);
	CHECK_EQ(rtpe_crypto_protect(out, &p), -EALREADY);
	media_free(&p);
	rtpe_crypto_unref(out);
}

TEST(srtp_nothing_is_sent_twice)
{
	struct rtpe_srtp keys = keys_of(1, 0);
	struct rtpe_crypto *out = opened(&keys);
	struct rtpe_packet p;
	u32 i;

	for (i = 0; i < 3; i++) {
		make(&p, 500, 20, false, 32);
		CHECK_EQ(rtpe_crypto_protect(out, &p), i ? -EALREADY : 0);
		media_free(&p);
		make(&p, 500 - 128, 20, false, 32);	/* too old to tell */
		CHECK_EQ(rtpe_crypto_protect(out, &p), -EALREADY);
		media_free(&p);
	}
	rtpe_crypto_unref(out);
}

/* The SSRCs of a context that gave way are known to the one that follows it. */
TEST(srtp_who_follows_knows_all_sources)
{
	struct rtpe_srtp keys = keys_of(1, 0), others = keys_of(2, 0);
	struct rtpe_crypto *before = opened(&keys), *after;
	struct rtpe_packet p;
	u32 i;

	memcpy(others.key, keys.key, sizeof(others.key));
	memcpy(others.salt, keys.salt, sizeof(others.salt));
	CHECK(rtpe_crypto_shares_keys(before, &others) && !rtpe_crypto_is(before, &others));
	after = opened(&others);
	for (i = 0; i < 2 * RTPE_MAX_SSRCS; i++) {
		make(&p, 7, 20, false, 32);
		p.ssrc = p.data[11] = (u8)i;
		p.now_us += i;
		CHECK_EQ(rtpe_crypto_protect(before, &p), 0);
		media_free(&p);
	}
	CHECK_EQ(rtpe_crypto_follow(after, before), 0);
	for (i = 0; i < 2 * RTPE_MAX_SSRCS; i++) {
		make(&p, 7, 20, false, 32);
		p.ssrc = p.data[11] = (u8)i;
		CHECK_EQ(rtpe_crypto_protect(after, &p), -EALREADY);
		media_free(&p);
	}
	rtpe_crypto_unref(before);
	rtpe_crypto_unref(after);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Targets with keys: what they refuse, keep and count. */
#include "check.h"
#include "support.h"
#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/state.h"

static void secure(struct message *m, u8 outputs)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	u32 i;

	message_init(m, &a, outputs);
	m->decrypt = srtp_keys(1);
	for (i = 0; i < outputs; i += 2)
		m->encrypt[i] = srtp_keys((u8)(10 + i));
}

static struct rtpe_crypto *peer(u8 seed)
{
	struct rtpe_srtp keys = srtp_keys(seed);
	struct rtpe_crypto *c;

	CHECK_EQ(rtpe_crypto_open(&c, &rtpe_openssl_ciphers, &keys), 0);
	return c;
}

/* What a peer with the target's keys sends. */
static void packet_secure(struct rtpe_packet *p, u8 *buffer, u16 seq, struct rtpe_crypto *c)
{
	packet_rtp(p, buffer, seq, 1000000);
	rtpe_packet_parse(p);
	CHECK_EQ(rtpe_crypto_protect(c, p), 0);
}

/* A target that takes in what is authentic and sends nothing, on a bench of its own. */
static struct rtpe_target *sink(struct bench *b)
{
	struct message m;

	bench_init(b);
	b->table.ciphers = &rtpe_openssl_ciphers;
	secure(&m, 0);
	m.target.flags |= RTPE_TARGET_BLACKHOLE;
	return bench_add(b, &m, false);
}

TEST(secure_without_ciphers_nothing_is_sent_in_the_clear)
{
	struct rtpe_target *t;
	struct message m;
	struct bench b;

	bench_init(&b);
	secure(&m, 1);
	CHECK_EQ(bench_try(&b, &m, false, &t), -EOPNOTSUPP);
	m.decrypt.cipher = m.decrypt.hmac = 0;
	CHECK_EQ(bench_try(&b, &m, false, &t), -EOPNOTSUPP);
	CHECK_EQ(b.table.num_targets, 0);
	CHECK_EQ(bench_slots(&b), 0);
	bench_exit(&b);
}

TEST(secure_a_packet_is_decrypted_once_and_encrypted_for_each_output)
{
	u8 buffer[PACKET_ROOM], copy[PACKET_ROOM], plain[PACKET_ROOM];
	struct rtpe_crypto *sender = peer(1), *receiver;
	struct rtpe_target_counters sum;
	struct rtpe_packet p, own;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i;

	bench_init(&b);
	b.table.ciphers = &rtpe_openssl_ciphers;
	secure(&m, 3);
	t = bench_add(&b, &m, false);
	packet_rtp(&p, plain, 1, 1000000);
	packet_secure(&p, buffer, 1, sender);
	CHECK_EQ(p.len, 182);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_FORWARD);
	CHECK(p.len == 172 && !memcmp(p.data, plain, 172));
	rtpe_target_counters_fold(t->counters, 2, &sum);
	CHECK_EQ(sum.sum.bytes, 182);
	for (i = p.first; i < p.last; i++) {
		own = p;
		own.data = memcpy(copy, p.data, p.len);
		CHECK_EQ(rtpe_forward_output(&t->outputs[i], &own), RTPE_SEND);
		CHECK_EQ(own.plain_len, 172);
		CHECK_EQ(own.len, i == 1 ? 172 : 182);
		CHECK(i == 1 || t->outputs[i].growth >= 10);
		if (i == 1)
			continue;
		CHECK(memcmp(copy, plain, 172));
		receiver = peer((u8)(10 + i));
		CHECK_EQ(rtpe_crypto_unprotect(receiver, &own), 0);
		CHECK(own.len == 172 && !memcmp(copy, plain, 172));
		rtpe_crypto_unref(receiver);
	}
	rtpe_crypto_unref(sender);
	bench_exit(&b);
}

/* Not even the payload type of a forged or replayed packet may count, nor its SSRC take a tracker. */
TEST(secure_forged_packets_change_nothing_but_the_error_counts)
{
	struct rtpe_crypto *sender = peer(1), *stranger = peer(2);
	u8 buffer[PACKET_ROOM], original[PACKET_ROOM];
	struct rtpe_details before;
	struct rtpe_target_counters sum;
	struct rtpe_packet p;
	struct rtpe_target *t;
	struct bench b;
	u32 i;

	t = sink(&b);
	packet_secure(&p, original, 1, sender);
	packet_bytes(&p, buffer, original, p.len);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
	before = *t->details;
	for (i = 1; i <= 40; i++) {
		if (i % 4 == 0)
			packet_bytes(&p, buffer, original, 182);
		else
			packet_secure(&p, buffer, (u16)(1000 * i), stranger);
		if (i % 4 == 1)
			buffer[1] = 99;
		if (i % 4 == 2)
			buffer[8] = (u8)i;
		if (i % 4 == 3)
			p.len = 12 + i / 8;
		CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
		CHECK(!memcmp(&before, t->details, sizeof(before)));
	}
	rtpe_target_counters_fold(t->counters, 2, &sum);
	CHECK_EQ(sum.sum.packets, 1);
	CHECK_EQ(sum.sum.errors, 40);
	CHECK_EQ(sum.drops[RTPE_DROP_AUTH], 30);
	CHECK_EQ(sum.drops[RTPE_DROP_REPLAY], 10);
	rtpe_crypto_unref(sender);
	rtpe_crypto_unref(stranger);
	bench_exit(&b);
}

#define FORGED 1000000

TEST(secure_a_million_forged_packets_are_counted_and_nothing_else)
{
	struct rtpe_crypto *sender = peer(1);
	u8 buffer[PACKET_ROOM], forged[60];
	struct rtpe_target_counters sum;
	struct rtpe_details before;
	struct rtpe_packet p;
	struct rtpe_target *t;
	struct bench b;
	u32 i;

	t = sink(&b);
	packet_secure(&p, buffer, 1, sender);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
	before = *t->details;
	for (i = 0; i < sizeof(forged); i++)
		forged[i] = (u8)random_next();
	for (i = 0; i < FORGED; i++) {
		u32 ssrc = (u32)random_next();
		u8 *at = forged + (i % 2 ? 4 : 8);	/* the SSRC of RTCP, or of RTP */

		forged[0] = 0x80;
		forged[1] = i % 2 ? 200 : 0;
		forged[2] = i % 2 ? 0 : (u8)(i >> 8);
		forged[3] = i % 2 ? 6 : (u8)i;		/* a sender report without blocks */
		if (i % 3)
			memcpy(at, &ssrc, 4);
		else
			memcpy(at, &before.ssrc[0].ssrc, 4);
		packet_bytes(&p, buffer, forged, sizeof(forged));
		CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
	}
	CHECK(!memcmp(&before, t->details, sizeof(before)));
	packet_secure(&p, buffer, 2, sender);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
	CHECK_EQ(t->details->ssrc[0].packets, 2);
	rtpe_target_counters_fold(t->counters, 2, &sum);
	CHECK_EQ(sum.sum.packets, 2);
	CHECK_EQ(sum.sum.errors, FORGED);
	CHECK_EQ(sum.drops[RTPE_DROP_AUTH], FORGED);
	rtpe_crypto_unref(sender);
	bench_exit(&b);
}

/* With the same keys, in whatever target takes the place, what was seen stays seen; with others it begins anew. */
TEST(secure_replacing_keeps_what_was_seen)
{
	struct rtpe_crypto *sender = peer(1), *other = peer(3);
	u8 buffer[PACKET_ROOM], original[PACKET_ROOM];
	struct rtpe_packet p;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i;

	bench_init(&b);
	b.table.ciphers = &rtpe_openssl_ciphers;
	secure(&m, 1);
	bench_add(&b, &m, false);
	for (i = 1; i < 50; i++) {
		if (i % 3 == 0)
			m.encrypt[0].rtp_tag_len = (u8)(10 - m.encrypt[0].rtp_tag_len + 4);
		m.outputs[0].dst.port++;
		t = bench_add(&b, &m, true);
		rtpe_reclaim();
		packet_secure(&p, original, (u16)(65500 + i), sender);
		packet_bytes(&p, buffer, original, p.len);
		CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_FORWARD);
		CHECK_EQ(rtpe_forward_output(&t->outputs[0], &p), RTPE_SEND);
		t = bench_add(&b, &m, true);
		packet_bytes(&p, buffer, original, 182);
		CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
		packet_rtp(&p, buffer, (u16)(65500 + i), 1);
		rtpe_packet_parse(&p);
		CHECK_EQ(rtpe_forward_output(&t->outputs[0], &p), -EALREADY);
	}
	m.decrypt = srtp_keys(3);
	t = bench_add(&b, &m, true);
	packet_secure(&p, buffer, (u16)(65500 + 49), other);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_FORWARD);
	rtpe_crypto_unref(sender);
	rtpe_crypto_unref(other);
	bench_exit(&b);
}

static bool holds(const u8 *memory, u32 len, u8 byte, u32 run)
{
	u32 i, same = 0;

	for (i = 0; i < len; i++) {
		same = memory[i] == byte ? same + 1 : 0;
		if (same == run)
			return true;
	}
	return false;
}

TEST(secure_states_hold_no_keys)
{
	struct rtpe_crypto *sender = peer(0x5a);
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u8 *state;
	u32 len;

	bench_init(&b);
	b.table.ciphers = &rtpe_openssl_ciphers;
	secure(&m, 1);
	m.decrypt = srtp_keys(0x5a);
	m.encrypt[0] = srtp_keys(0x6b);
	t = bench_add(&b, &m, false);
	packet_secure(&p, buffer, 7, sender);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_FORWARD);
	CHECK_EQ(rtpe_forward_output(&t->outputs[0], &p), RTPE_SEND);
	state = malloc(rtpe_state_max(t));
	len = rtpe_state_write(t, state);
	CHECK(len <= rtpe_state_max(t));
	CHECK(!holds(state, len, 0x5a, 8) && !holds(state, len, 0x6b, 8));
	free(state);
	rtpe_crypto_unref(sender);
	bench_exit(&b);
}

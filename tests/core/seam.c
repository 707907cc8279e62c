// SPDX-License-Identifier: GPL-3.0-or-later
/* The seam for SRTP, with a cipher that appends four bytes and checks them. */
#include "check.h"
#include "support.h"

struct rtpe_crypto {
	u8 tag;
};

static u32 contexts, fail_setup_at;

static int setup(struct rtpe_crypto **out, const struct rtpe_srtp *params)
{
	if (fail_setup_at && contexts + 1 == fail_setup_at)
		return -ENOMEM;
	*out = malloc(sizeof(**out));
	(*out)->tag = params->key[0];
	contexts++;
	return 0;
}

static void destroy(struct rtpe_crypto *c)
{
	contexts--;
	free(c);
}

static int unprotect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	if (p->len < 4 || p->data[p->len - 1] != c->tag)
		return -EBADMSG;
	p->len -= 4;
	p->room += 4;
	return 0;
}

static int protect(struct rtpe_crypto *c, struct rtpe_packet *p)
{
	if (p->room < 4)
		return -EMSGSIZE;
	memset(p->data + p->len, c->tag, 4);
	p->len += 4;
	p->room -= 4;
	return 0;
}

static const struct rtpe_crypto_ops ops = {
	.setup = setup, .destroy = destroy, .unprotect = unprotect, .protect = protect,
};

static void encrypted(struct message *m, u8 outputs)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	u32 i;

	message_init(m, &a, outputs);
	m->target.decrypt.cipher = RTPE_CIPHER_AES_CM_128;
	m->target.decrypt.key[0] = 0xdd;
	for (i = 0; i < outputs; i += 2) {
		m->outputs[i].encrypt.hmac = RTPE_HMAC_SHA1;
		m->outputs[i].encrypt.key[0] = 0xee;
	}
}

static void packet_with_tag(struct rtpe_packet *p, u8 *buffer, u16 seq, u8 tag)
{
	packet_rtp(p, buffer, seq, 1000000);
	memset(buffer + p->len, tag, 4);
	p->len += 4;
	p->room -= 4;
}

TEST(seam_without_ciphers_nothing_is_sent_in_the_clear)
{
	struct rtpe_target *t;
	struct message m;
	struct bench b;

	bench_init(&b);
	encrypted(&m, 1);
	CHECK_EQ(rtpe_table_add(&b.table, &m.target, message_len(&m), false, &t), -EOPNOTSUPP);
	m.target.decrypt = (struct rtpe_srtp){ 0 };
	CHECK_EQ(rtpe_table_add(&b.table, &m.target, message_len(&m), false, &t), -EOPNOTSUPP);
	CHECK_EQ(b.table.num_targets, 0);
	bench_exit(&b);
}

TEST(seam_contexts_live_as_long_as_their_target)
{
	struct rtpe_target *t;
	struct message m;
	struct bench b;

	bench_init(&b);
	b.table.crypto = &ops;
	encrypted(&m, 3);
	bench_add(&b, &m, false);
	CHECK_EQ(contexts, 3);
	bench_add(&b, &m, true);
	rtpe_reclaim_all();
	CHECK_EQ(contexts, 3);
	for (fail_setup_at = 4; fail_setup_at <= 6; fail_setup_at++) {
		CHECK_EQ(rtpe_table_add(&b.table, &m.target, message_len(&m), true, &t), -ENOMEM);
		CHECK_EQ(contexts, 3);
		CHECK_EQ(b.outputs, 3);
		CHECK_EQ(bench_slots(&b), 4);
	}
	fail_setup_at = 0;
	bench_exit(&b);
	CHECK_EQ(contexts, 0);
}

TEST(seam_a_packet_is_decrypted_once_and_encrypted_for_each_output)
{
	u8 buffer[PACKET_ROOM], copy[PACKET_ROOM];
	struct rtpe_packet p, own;
	struct rtpe_counters sum;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i;

	bench_init(&b);
	b.table.crypto = &ops;
	encrypted(&m, 3);
	t = bench_add(&b, &m, false);
	packet_with_tag(&p, buffer, 1, 0xdd);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_FORWARD);
	CHECK_EQ(p.len, 172);
	rtpe_counters_fold(t->counters, 2, &sum);
	CHECK_EQ(sum.bytes, 172);
	for (i = p.first; i < p.last; i++) {
		own = p;
		own.data = memcpy(copy, p.data, p.len);
		CHECK_EQ(rtpe_forward_output(t, &t->outputs[i], &own), 0);
		CHECK_EQ(own.len, i == 1 ? 172 : 176);
		CHECK(i == 1 || copy[175] == 0xee);
	}
	own.len = PACKET_ROOM;
	own.room = 0;
	CHECK_EQ(rtpe_forward_output(t, &t->outputs[0], &own), -EMSGSIZE);
	bench_exit(&b);
}

/* Not even the payload type of a forged packet may count, nor its SSRC take a tracker. */
TEST(seam_forged_packets_change_nothing_but_the_error_count)
{
	struct rtpe_state before, after;
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i;

	bench_init(&b);
	b.table.crypto = &ops;
	encrypted(&m, 0);
	m.target.flags |= RTPE_TARGET_BLACKHOLE;
	t = bench_add(&b, &m, false);
	packet_with_tag(&p, buffer, 1, 0xdd);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
	rtpe_target_state(t, &before);
	CHECK_EQ(before.counters.packets, 1);
	for (i = 1; i <= 4; i++) {
		packet_with_tag(&p, buffer, (u16)(1000 * i), 0xcc);
		if (i % 2)
			buffer[1] = 99;
		CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_DROP);
		rtpe_target_state(t, &after);
		CHECK_EQ(after.counters.errors, i);
		after.counters.errors = 0;
		CHECK(!memcmp(&before, &after, sizeof(before)));
	}
	bench_exit(&b);
}

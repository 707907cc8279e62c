// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * SRTP between two engines, as between relay and module: nothing is lost or decrypted
 * wrongly, no index is sent twice, whatever wraps, is lost, late or double meanwhile.
 */
#include "check.h"
#include "support.h"
#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/state.h"

#define IN 1
#define OUT 2

/*
 * The sender's packets go to either engine, what leaves goes to the receiver, which
 * decrypts it: its replay window finds every index used twice.
 */
struct path {
	struct bench at[2];
	struct rtpe_target *target[2];
	struct message message;
	struct rtpe_crypto *sender, *receiver;
	u32 number, rtcp_sent, rtp_received, rtcp_received;
};

static struct rtpe_crypto *context(u8 seed)
{
	struct rtpe_srtp keys = srtp_keys(seed);
	struct rtpe_crypto *c;

	CHECK_EQ(rtpe_crypto_open(&c, &rtpe_openssl_ciphers, &keys), 0);
	return c;
}

static void path_init(struct path *p, u32 number)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	u32 i;

	memset(p, 0, sizeof(*p));
	for (i = 0; i < 2; i++) {
		bench_init(&p->at[i]);
		p->at[i].table.ciphers = &rtpe_openssl_ciphers;
	}
	message_init(&p->message, &a, 1);
	p->message.decrypt = srtp_keys(IN);
	p->message.encrypt[0] = srtp_keys(OUT);
	p->sender = context(IN);
	p->receiver = context(OUT);
	p->number = number;
}

static void path_exit(struct path *p)
{
	rtpe_crypto_unref(p->sender);
	rtpe_crypto_unref(p->receiver);
	bench_exit(&p->at[0]);
	bench_exit(&p->at[1]);
}

static void install(struct path *p, u32 where)
{
	p->target[where] = bench_add(&p->at[where], &p->message, true);
	rtpe_reclaim();
}

/* What the engine knows becomes part of the message, as a daemon copies it from a reply. */
static void take_state(struct path *p, u32 from, bool remove)
{
	u8 *whole = malloc(rtpe_state_max(p->target[from])), *at = whole + sizeof(struct rtpe_state);
	struct message *m = &p->message;
	bool output = false;
	u32 len, i;

	if (remove)
		CHECK_EQ(rtpe_table_remove(&p->at[from].table, &m->target.local), 0);
	len = rtpe_state_write(p->target[from], whole);
	m->num_ssrcs = m->num_received = m->num_sent = 0;
	while (at < whole + len) {
		const struct rtpe_part *part = (const void *)at;

		output |= part->kind == RTPE_PART_OUTPUT_STATE;
		if (part->kind == RTPE_PART_SRTP_STATES && output) {
			m->num_sent = part->count;
			memcpy(m->sent, part + 1, part->count * sizeof(m->sent[0]));
		} else if (part->kind == RTPE_PART_SRTP_STATES) {
			m->num_received = part->count;
			memcpy(m->received, part + 1, part->count * sizeof(m->received[0]));
		}
		at += part->length;
	}
	CHECK(at == whole + len);
	for (i = 0; i < m->num_sent; i++)
		m->sent[i].rtcp.top += RTPE_SRTCP_RESERVE;
	free(whole);
	if (remove) {
		p->target[from] = NULL;
		rtpe_reclaim();
	}
}

struct datagram {
	u8 data[PACKET_ROOM];
	struct rtpe_packet packet;
	u32 number;
};

static void make_rtp(struct path *p, struct datagram *d)
{
	d->number = p->number++;
	packet_rtp(&d->packet, d->data, (u16)d->number, 1700000000000000 + (u64)d->number * 20000);
	memset(d->data + 20, (int)d->number, 16);
	rtpe_packet_parse(&d->packet);
	CHECK_EQ(rtpe_crypto_protect(p->sender, &d->packet), 0);
}

static void make_rtcp(struct path *p, struct datagram *d)
{
	static const u8 report[28] = { 0x80, 200, 0, 6, 'S', 'S', 'R', 'C' };

	d->number = p->rtcp_sent++;
	packet_bytes(&d->packet, d->data, report, sizeof(report));
	memcpy(d->data + 24, &d->number, 4);
	rtpe_packet_parse(&d->packet);
	CHECK_EQ(rtpe_crypto_protect(p->sender, &d->packet), 0);
}

/* Through an engine to the receiver. */
static enum rtpe_verdict pass_through(struct path *p, u32 where, const struct datagram *d)
{
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet packet;
	enum rtpe_verdict verdict;
	u32 number;

	packet_bytes(&packet, buffer, d->data, d->packet.len);
	packet.now_us = d->packet.now_us;
	verdict = rtpe_forward_packet(p->target[where], &packet);
	if (verdict != RTPE_FORWARD)
		return verdict;
	CHECK_EQ(rtpe_forward_output(&p->target[where]->outputs[0], &packet), RTPE_SEND);
	CHECK_EQ(rtpe_crypto_unprotect(p->receiver, &packet), 0);
	if (packet.kind == RTPE_KIND_RTP) {
		CHECK_EQ(packet.seq, (u16)d->number);
		CHECK_EQ(packet.data[20], (u8)d->number);
		p->rtp_received++;
	} else {
		memcpy(&number, packet.data + 24, 4);
		CHECK_EQ(number, d->number);
		p->rtcp_received++;
	}
	return verdict;
}

/* A run of packets through one engine with loss, late and double ones. Returns how many RTP must have come. */
static u32 stream(struct path *p, u32 where, u32 count)
{
	struct datagram d, late;
	bool held = false;
	u32 due = 0;

	while (count--) {
		make_rtp(p, &d);
		if (random_below(20) == 0)
			continue;
		due++;
		if (!held && random_below(15) == 0) {
			late = d;
			held = true;
			continue;
		}
		CHECK_EQ(pass_through(p, where, &d), RTPE_FORWARD);
		if (random_below(15) == 0)
			CHECK_EQ(pass_through(p, where, &d), RTPE_DROP);
		if (random_below(10) == 0) {
			make_rtcp(p, &d);
			CHECK_EQ(pass_through(p, where, &d), RTPE_FORWARD);
			CHECK_EQ(pass_through(p, where, &d), RTPE_DROP);
		}
		if (held && random_below(4) == 0) {
			CHECK_EQ(pass_through(p, where, &late), RTPE_FORWARD);
			held = false;
		}
	}
	if (held)
		CHECK_EQ(pass_through(p, where, &late), RTPE_FORWARD);
	return due;
}

TEST(secure_handover_by_removing_and_adding)
{
	struct path p;
	u32 turn, due = 0;

	path_init(&p, 65000);
	install(&p, 0);
	for (turn = 0; turn < 600; turn++) {
		if (turn) {
			take_state(&p, !(turn % 2), true);
			install(&p, turn % 2);
		}
		due += stream(&p, turn % 2, random_below(400));
		CHECK_EQ(p.rtp_received, due);
	}
	CHECK_EQ(p.rtcp_received, p.rtcp_sent);
	CHECK(p.number > 65536 * 2);
	path_exit(&p);
}

/*
 * The first engine keeps its target, as the relay does. What was queued there comes
 * out when the second has begun; what it has seen by then is merged in afterwards.
 */
TEST(secure_handover_over_a_target_that_stays)
{
	struct datagram queued[20], d;
	u32 turn, n, count, due = 0;
	struct path p;

	path_init(&p, 60000);
	install(&p, 0);
	for (turn = 0; turn < 400; turn++) {
		due += stream(&p, 0, random_below(300));
		take_state(&p, 0, false);
		install(&p, 1);
		count = random_below(COUNT(queued));
		for (n = 0; n < count; n++)
			(n % 5 == 4 ? make_rtcp : make_rtp)(&p, &queued[n]);
		for (n = random_below(12); n; n--, due++) {
			make_rtp(&p, &d);
			CHECK_EQ(pass_through(&p, 1, &d), RTPE_FORWARD);
			make_rtcp(&p, &d);
			CHECK_EQ(pass_through(&p, 1, &d), RTPE_FORWARD);
		}
		for (n = 0; n < count; n++) {
			due += n % 5 != 4;
			CHECK_EQ(pass_through(&p, 0, &queued[n]), RTPE_FORWARD);
		}
		take_state(&p, 0, false);
		install(&p, 1);
		/* Now the second engine knows what went through the first. */
		for (n = 0; n < count; n++)
			CHECK_EQ(pass_through(&p, 1, &queued[n]), RTPE_DROP);
		due += stream(&p, 1, random_below(300));
		take_state(&p, 1, true);
		install(&p, 0);
		CHECK_EQ(p.rtp_received, due);
	}
	CHECK_EQ(p.rtcp_received, p.rtcp_sent);
	CHECK(p.number > 65536 * 2);
	path_exit(&p);
}

/* An engine that is told nothing of the rollovers before would take its first packet for a forgery, or worse. */
TEST(secure_handover_carries_the_rollover_counter)
{
	struct datagram d;
	struct path p;

	path_init(&p, 65530);
	install(&p, 0);
	stream(&p, 0, 200);
	take_state(&p, 0, true);
	CHECK_EQ(p.message.num_received, 1);
	CHECK_EQ(p.message.received[0].rtp.top >> 16, 1);
	CHECK_EQ(p.message.sent[0].rtp.top >> 16, 1);
	install(&p, 1);
	make_rtp(&p, &d);
	CHECK_EQ(pass_through(&p, 1, &d), RTPE_FORWARD);
	path_exit(&p);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* What becomes of a packet: flags, kinds and sources against verdicts and counters. */
#include "check.h"
#include "support.h"

#include <stdio.h>

enum { NONE, RTP_OUT, RTCP_OUT };

struct expectation {
	enum rtpe_verdict verdict;
	u8 outputs;		/* NONE, RTP_OUT, RTCP_OUT */
	u8 packets, passed, errors;
};

static const struct {
	const char *name;
	u32 len;
	u8 data[28];
} packets[] = {
	{ "rtp", 20, { 0x80, 0 } },
	{ "unknown type", 20, { 0x80, 99 } },
	{ "rtcp", 8, { 0x80, 200, 0, 1 } },
	{ "stun", 20, { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 } },
	{ "dtls", 14, { 22, 254, 253 } },
	{ "other", 5, { 'h', 'e', 'l', 'l', 'o' } },
};
#define KINDS COUNT(packets)

#define ALL(...) { { __VA_ARGS__ }, { __VA_ARGS__ }, { __VA_ARGS__ }, { __VA_ARGS__ }, { __VA_ARGS__ }, { __VA_ARGS__ } }
#define SENT RTPE_FORWARD, RTP_OUT, 1, 0, 0
#define SENT_UNKNOWN RTPE_FORWARD, RTP_OUT, 1, 0, 1
#define RTCP_SENT RTPE_FORWARD, RTCP_OUT, 1, 0, 0
#define UP RTPE_PASS, NONE, 0, 1, 0
#define EATEN RTPE_DROP, NONE, 1, 0, 0
#define EATEN_UNKNOWN RTPE_DROP, NONE, 1, 0, 1
#define REFUSED RTPE_DROP, NONE, 0, 0, 1
#define TAKEN_UP RTPE_PASS, NONE, 1, 1, 0

/* Outputs: 0 to 1 for RTP, 2 for RTCP. Columns as in packets[]. */
static const struct {
	const char *name;
	u32 flags;
	u8 mismatch;		/* the packet comes from elsewhere unless IGNORE */
	u8 no_rtp, no_rtcp;
	struct expectation module[KINDS], relay[KINDS];
} rows[] = {
	{ "RTP", RTPE_TARGET_RTP, 0, 0, 0,
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } },
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } } },
	{ "not RTP", 0, 0, 0, 0, ALL(SENT), ALL(SENT) },
	{ "RTP only", RTPE_TARGET_RTP | RTPE_TARGET_RTP_ONLY, 0, 0, 0,
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { UP }, { UP }, { UP } },
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { TAKEN_UP }, { TAKEN_UP }, { TAKEN_UP } } },
	{ "payload type filter", RTPE_TARGET_RTP | RTPE_TARGET_PT_FILTER, 0, 0, 0,
	  { { SENT }, { UP }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } },
	  { { SENT }, { TAKEN_UP }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } } },
	{ "STUN and DTLS", RTPE_TARGET_RTP | RTPE_TARGET_STUN | RTPE_TARGET_DTLS, 0, 0, 0,
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { UP }, { UP }, { SENT } },
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { UP }, { UP }, { SENT } } },
	{ "learning", RTPE_TARGET_RTP | RTPE_TARGET_LEARN, 0, 0, 0,
	  ALL(UP),
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } } },
	{ "a stranger, ignored", RTPE_TARGET_RTP, RTPE_MISMATCH_IGNORE, 0, 0,
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } },
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } } },
	{ "a stranger, dropped", RTPE_TARGET_RTP, RTPE_MISMATCH_DROP, 0, 0, ALL(REFUSED), ALL(REFUSED) },
	{ "a stranger, passed", RTPE_TARGET_RTP, RTPE_MISMATCH_PASS, 0, 0,
	  ALL(UP),
	  { { SENT }, { SENT_UNKNOWN }, { RTCP_SENT }, { SENT }, { SENT }, { SENT } } },
	{ "a stranger with STUN", RTPE_TARGET_RTP | RTPE_TARGET_STUN, RTPE_MISMATCH_DROP, 0, 0,
	  { { REFUSED }, { REFUSED }, { REFUSED }, { UP }, { REFUSED }, { REFUSED } },
	  { { REFUSED }, { REFUSED }, { REFUSED }, { UP }, { REFUSED }, { REFUSED } } },
	{ "no RTCP outputs", RTPE_TARGET_RTP, 0, 0, 1,
	  { { SENT }, { SENT_UNKNOWN }, { UP }, { SENT }, { SENT }, { SENT } },
	  { { SENT }, { SENT_UNKNOWN }, { EATEN }, { SENT }, { SENT }, { SENT } } },
	{ "no RTP outputs", RTPE_TARGET_RTP, 0, 1, 0,
	  { { UP }, { UP }, { RTCP_SENT }, { UP }, { UP }, { UP } },
	  { { EATEN }, { EATEN_UNKNOWN }, { RTCP_SENT }, { EATEN }, { EATEN }, { EATEN } } },
	{ "no outputs", RTPE_TARGET_RTP, 0, 1, 1,
	  ALL(UP),
	  { { EATEN }, { EATEN_UNKNOWN }, { EATEN }, { EATEN }, { EATEN }, { EATEN } } },
	{ "black hole", RTPE_TARGET_RTP | RTPE_TARGET_BLACKHOLE, 0, 1, 1,
	  { { EATEN }, { EATEN_UNKNOWN }, { EATEN }, { EATEN }, { EATEN }, { EATEN } },
	  { { EATEN }, { EATEN_UNKNOWN }, { EATEN }, { EATEN }, { EATEN }, { EATEN } } },
};

static struct rtpe_target *install(struct bench *b, u32 row)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct message m;

	message_init(&m, &a, 3);
	m.target.flags = rows[row].flags;
	m.target.rtp_end = rows[row].no_rtp ? 0 : 2;
	m.target.rtcp_start = 2;
	m.target.rtcp_end = rows[row].no_rtcp ? 2 : 3;
	m.target.src_mismatch = rows[row].mismatch;
	m.target.expected_src = address4(0x0a000063, 5000);
	return bench_add(b, &m, false);
}

static void check_row(u32 row, u32 kind, bool terminal)
{
	const struct expectation *e = terminal ? &rows[row].relay[kind] : &rows[row].module[kind];
	struct rtpe_target_counters folded;
	struct rtpe_packet p;
	struct rtpe_target *t;
	u8 buffer[PACKET_ROOM];
	char name[100];
	struct bench b;

	snprintf(name, sizeof(name), "%s, %s, %s", rows[row].name, packets[kind].name, terminal ? "relay" : "module");
	check_case(name);
	bench_init(&b);
	b.table.terminal = terminal;
	t = install(&b, row);
	packet_bytes(&p, buffer, packets[kind].data, packets[kind].len);
	CHECK_EQ(rtpe_forward_packet(t, &p), e->verdict);
	if (e->verdict == RTPE_FORWARD) {
		CHECK_EQ(p.first, e->outputs == RTP_OUT ? 0 : 2);
		CHECK_EQ(p.last, e->outputs == RTP_OUT ? 2 : 3);
	}
	CHECK(!memcmp(buffer, packets[kind].data, packets[kind].len));
	rtpe_target_counters_fold(t->counters, 2, &folded);
	CHECK_EQ(folded.sum.packets, e->packets);
	CHECK_EQ(folded.sum.bytes, e->packets * packets[kind].len);
	CHECK_EQ(folded.sum.last_us, e->packets ? p.now_us : 0);
	CHECK_EQ(folded.sum.passed, e->passed);
	CHECK_EQ(folded.sum.errors, e->errors);
	CHECK_EQ(t->details->ssrc[0].valid, e->packets && !e->passed && p.kind == RTPE_KIND_RTP && t->flags & RTPE_TARGET_RTP);
	bench_exit(&b);
}

TEST(forward_decisions)
{
	u32 row, kind;

	for (row = 0; row < COUNT(rows); row++) {
		for (kind = 0; kind < KINDS; kind++) {
			check_row(row, kind, false);
			check_row(row, kind, true);
		}
	}
}

TEST(forward_expected_source_lets_its_packets_through)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	static const u8 modes[] = { RTPE_MISMATCH_IGNORE, RTPE_MISMATCH_DROP, RTPE_MISMATCH_PASS };
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;
	struct message m;
	struct bench b;
	u32 i;

	bench_init(&b);
	for (i = 0; i < COUNT(modes); i++) {
		message_init(&m, &a, 1);
		m.target.src_mismatch = modes[i];
		packet_rtp(&p, buffer, 1, 1);
		m.target.expected_src = p.src;
		CHECK_EQ(rtpe_forward_packet(bench_add(&b, &m, true), &p), RTPE_FORWARD);
	}
	bench_exit(&b);
}

TEST(forward_counts_what_was_sent)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_target_counters folded;
	struct rtpe_packet p = { 0 };
	struct rtpe_counters sum;
	struct rtpe_target *t;
	struct message m;
	struct bench b;

	bench_init(&b);
	message_init(&m, &a, 1);
	t = bench_add(&b, &m, false);
	p.plain_len = 172;
	p.now_us = 7;
	rtpe_forward_sent(t, &t->outputs[0], &p, RTPE_SEND);
	rtpe_thread_index = 1;
	p.plain_len = 100;
	p.now_us = 8;
	rtpe_forward_sent(t, &t->outputs[0], &p, RTPE_SEND);
	p.now_us = 9;
	rtpe_forward_sent(t, &t->outputs[0], &p, -ENOBUFS);
	rtpe_forward_sent(t, &t->outputs[0], &p, RTPE_LEAVE_OUT);
	rtpe_thread_index = 0;
	rtpe_counters_fold(t->outputs[0].counters, 2, &sum);
	CHECK_EQ(sum.packets, 2);
	CHECK_EQ(sum.bytes, 272);
	CHECK_EQ(sum.errors, 1);
	CHECK_EQ(sum.passed, 1);
	CHECK_EQ(sum.last_us, 8);
	rtpe_target_counters_fold(t->counters, 2, &folded);
	CHECK_EQ(folded.drops[RTPE_DROP_SEND], 1);
	bench_exit(&b);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Any packets through any target. The input: flags (2 bytes), src_mismatch and
 * engine, output ranges (2 bytes), then packets, each with its length in a byte.
 */
#include "fuzz.h"
#include "support.h"

/* NULL: the flags do not fit together. */
static struct rtpe_target *install(struct bench *b, const u8 *data)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_target *t;
	struct message m;

	message_init(&m, &a, 4);
	m.target.flags = (u32)(data[0] | data[1] << 8) & RTPE_TARGET_FLAGS;
	m.target.src_mismatch = data[2] % 3;
	if (data[2] & 0x10)
		m.target.expected_src = address4(0x0a000001, 5001);
	b->table.terminal = data[2] & 0x20;
	m.target.rtp_start = data[3] & 3;
	m.target.rtp_end = (u8)(m.target.rtp_start + (data[3] >> 2) % (5 - m.target.rtp_start));
	m.target.rtcp_start = data[4] & 3;
	m.target.rtcp_end = (u8)(m.target.rtcp_start + (data[4] >> 2) % (5 - m.target.rtcp_start));
	return bench_try(b, &m, true, &t) ? NULL : t;
}

static void receive(const struct rtpe_target *t, const u8 *data, u32 len, u64 now_us)
{
	u8 *exact = malloc(len ? len : 1);
	struct rtpe_packet p;
	enum rtpe_verdict verdict;
	u32 i;

	packet_bytes(&p, exact, data, len);
	p.now_us = now_us;
	p.room = 0;
	verdict = rtpe_forward_packet(t, &p);
	fuzz_check(verdict == RTPE_PASS || verdict == RTPE_DROP || verdict == RTPE_FORWARD);
	fuzz_check(p.len == len && (!len || !memcmp(exact, data, len)));
	fuzz_check(p.kind != RTPE_KIND_RTP || p.header_len <= p.len);
	if (verdict == RTPE_FORWARD) {
		fuzz_check(p.first < p.last && p.last <= t->num_outputs);
		for (i = p.first; i < p.last; i++)
			fuzz_check(!rtpe_forward_output(&t->outputs[i], &p));
	}
	free(exact);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct bench b;
	struct rtpe_target *t;
	u64 now_us = 1700000000000000;
	size_t at = 5, len;

	if (size < 5)
		return 0;
	if (!b.table.buckets)
		bench_init(&b);
	t = install(&b, data);
	if (!t)
		return 0;
	while (at < size) {
		len = data[at++];
		if (len > size - at)
			len = size - at;
		receive(t, data + at, (u32)len, now_us);
		at += len;
		now_us += len * 1000;
	}
	rtpe_table_remove(&b.table, &t->local);
	rtpe_reclaim_all();
	fuzz_check(!b.outputs && !bench_slots(&b));
	return 0;
}

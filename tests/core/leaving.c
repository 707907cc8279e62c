// SPDX-License-Identifier: GPL-3.0-or-later
/* What leaves a target: through many outputs, by media section, into streams. */
#include "../../kmod/core/ssrc.h"
#include "check.h"
#include "media.h"
#include "support.h"

#define MID_ID 4
#define BYTES(s) s, sizeof(s) - 1

static struct rtpe_target *install(struct bench *b, const struct packed *p)
{
	struct rtpe_target *t;

	CHECK_EQ(rtpe_table_add(&b->table, (const void *)p->bytes, p->len, true, &t), 0);
	return t;
}

/* Each output's copy, to be compared; returns what was sent, 0 for one that was left out. */
static u32 leave(const struct rtpe_target *t, u32 i, const struct rtpe_packet *p, u8 *out)
{
	struct rtpe_packet own = *p;
	int result;

	own.data = memcpy(out, p->data, p->len);
	own.room = t->outputs[i].growth;
	result = rtpe_forward_output(&t->outputs[i], &own);
	rtpe_forward_sent(t, &t->outputs[i], &own, result);
	CHECK(result == RTPE_SEND || result == RTPE_LEAVE_OUT);
	return result == RTPE_SEND ? own.len : 0;
}

static struct rtpe_counters sum_of(const struct rtpe_target *t, u32 i)
{
	struct rtpe_counters sum;

	rtpe_counters_fold(t->outputs[i].counters, t->table->outputs.cpus, &sum);
	return sum;
}

/* Trap 25: 32 outputs, each with 32 rules, 32 SSRC maps and a MID of its own. */
TEST(leaving_through_the_most_outputs_that_can_be)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	static struct rtpe_rule rules[RTPE_MAX_RULES];
	static struct rtpe_ssrc_map maps[RTPE_MAX_SSRC_MAPS];
	static struct media m;
	static struct { u32 len; u64 bytes[16384]; } large;
	struct packed *p = (struct packed *)&large;
	struct rtpe_target *t;
	struct message msg;
	struct rtpe_packet packet;
	struct bench b;
	u8 out[PACKET_ROOM];
	u32 i, k;

	bench_init(&b);
	message_init(&msg, &a, RTPE_MAX_OUTPUTS);
	memcpy(p->bytes, &msg.target, sizeof(msg.target));
	p->len = sizeof(msg.target);
	for (i = 0; i < RTPE_MAX_OUTPUTS; i++) {
		struct rtpe_mid mid = { .id = 1, .len = (u8)(1 + i), .text = "0123456789abcdef0123456789abcdef" };
		struct packed part = { 0 };

		memset(mid.text + mid.len, 0, sizeof(mid.text) - mid.len);
		for (k = 0; k < RTPE_MAX_RULES; k++)
			rules[k] = (struct rtpe_rule){ .number = (u8)(k * 4), .flags = k % 2 && k / 2 == i % 16,
						       .pattern_len = 1, .pattern = { (u8)i } };
		for (k = 0; k < RTPE_MAX_SSRC_MAPS; k++)
			maps[k] = (struct rtpe_ssrc_map){ .from = k + 1, .to = 1000 * i + k, .seq_offset = (u16)i };
		pack_part(&part, RTPE_PART_OUTPUT, 1, &msg.outputs[i], sizeof(msg.outputs[i]));
		pack_part(&part, RTPE_PART_SSRC_MAP, RTPE_MAX_SSRC_MAPS, maps, sizeof(maps[0]));
		pack_part(&part, RTPE_PART_RULES, RTPE_MAX_RULES, rules, sizeof(rules[0]));
		pack_part(&part, RTPE_PART_MID, 1, &mid, sizeof(mid));
		CHECK(p->len + part.len <= sizeof(large.bytes));
		memcpy((u8 *)large.bytes + p->len, part.bytes, part.len);
		p->len += part.len;
	}
	t = install(&b, p);
	for (k = 0; k < RTPE_MAX_RULES; k++) {
		media_rtp(&m, (u8)(k * 4));
		memcpy(m.bytes + 8, &(u32){ k + 1 }, 4);
		media_add(&m, BYTES("payload"));
		media_packet(&packet, m.bytes, m.len, 0);
		CHECK_EQ(rtpe_forward_packet(t, &packet), RTPE_FORWARD);
		CHECK(packet.first == 0 && packet.last == RTPE_MAX_OUTPUTS);
		for (i = 0; i < RTPE_MAX_OUTPUTS; i++) {
			u32 len = leave(t, i, &packet, out), header = i < 16 ? 1 : 2;

			if (k % 2 && k / 2 == i % 16) {
				CHECK_EQ(len, 0);
				continue;
			}
			CHECK_EQ(len, 12 + 4 + (header + 1 + i + 3) / 4 * 4 + 7);
			CHECK_EQ(rtpe_read16(out + 2), 0x1234 + i);
			CHECK(!memcmp(out + 8, &(u32){ 1000 * i + k }, 4));
			CHECK_EQ(rtpe_read16(out + 12), i < 16 ? 0xbede : 0x1000);
			CHECK(!memcmp(out + 16 + header, "0123456789abcdef0123456789abcdef", 1 + i));
			CHECK(out[len - 7] == i && out[len - 1] == i);
		}
		media_free(&packet);
	}
	for (i = 0; i < RTPE_MAX_OUTPUTS; i++) {
		CHECK_EQ(sum_of(t, i).packets, RTPE_MAX_RULES - 1);
		CHECK_EQ(sum_of(t, i).passed, 1);
		CHECK_EQ(sum_of(t, i).errors, 0);
	}
	bench_exit(&b);
}

static void pack_bundle(struct packed *p, const struct rtpe_addr *local)
{
	static const struct rtpe_group groups[2] = {
		{ .rtp_start = 0, .rtp_end = 1, .rtcp_start = 1, .rtcp_end = 2, .mid_len = 1, .mid = "a" },
		{ .rtp_start = 2, .rtp_end = 3, .rtcp_start = 3, .rtcp_end = 4, .mid_len = 1, .mid = "v" },
	};
	static const struct rtpe_payload_type types[3] = {
		{ .number = 0, .clock_rate = 8000 }, { .number = 97, .clock_rate = 90000, .group = 1 },
		{ .number = 98, .clock_rate = 90000, .group = 0 },
	};
	struct message m;
	u32 i;

	message_init(&m, local, 4);
	m.target.rtp_end = m.target.rtcp_end = 0;
	m.target.mid_id = MID_ID;
	memcpy(p->bytes, &m.target, sizeof(m.target));
	p->len = sizeof(m.target);
	pack_part(p, RTPE_PART_PAYLOAD_TYPES, 3, types, sizeof(types[0]));
	pack_part(p, RTPE_PART_GROUPS, 2, groups, sizeof(groups[0]));
	for (i = 0; i < 4; i++)
		pack_part(p, RTPE_PART_OUTPUT, 1, &m.outputs[i], sizeof(m.outputs[i]));
}

/* The output that RTP of this source, payload type and MID ("": none) leaves through. */
static u32 output_of(const struct rtpe_target *t, const char *source, u8 payload_type, const char *mid)
{
	static struct media m;
	struct rtpe_packet p;
	char data[2] = { MID_ID << 4, *mid };
	u32 first;

	media_rtp(&m, payload_type);
	memcpy(m.bytes + 8, source, 4);
	if (*mid)
		media_extension(&m, 0xbede, data, 2);
	media_packet(&p, m.bytes, m.len, 0);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_FORWARD);
	first = p.first;
	CHECK_EQ(p.last, first + 1);
	media_free(&p);
	return first;
}

static u32 rtcp_output_of(const struct rtpe_target *t, const char *source)
{
	static struct media m;
	struct rtpe_packet p;
	u32 first;

	m.len = 0;
	media_rtcp(&m, 0, 201, source, 4);
	media_packet(&p, m.bytes, m.len, 0);
	CHECK_EQ(rtpe_forward_packet(t, &p), RTPE_FORWARD);
	first = p.first;
	media_free(&p);
	return first;
}

TEST(leaving_by_media_section)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_target *t;
	struct packed p;
	struct bench b;

	bench_init(&b);
	pack_bundle(&p, &a);
	t = install(&b, &p);
	CHECK_EQ(output_of(t, "one.", 0, ""), 0);
	CHECK_EQ(output_of(t, "two.", 97, ""), 2);
	CHECK_EQ(output_of(t, "tri.", 99, ""), 0);		/* a payload type that nobody knows */
	CHECK_EQ(output_of(t, "one.", 0, "v"), 2);
	CHECK_EQ(output_of(t, "one.", 0, ""), 2);
	CHECK_EQ(output_of(t, "two.", 98, ""), 0);
	CHECK_EQ(rtcp_output_of(t, "one."), 3);
	CHECK_EQ(rtcp_output_of(t, "two."), 1);
	CHECK_EQ(output_of(t, "two.", 97, ""), 2);
	CHECK_EQ(rtcp_output_of(t, "two."), 3);
	CHECK_EQ(rtcp_output_of(t, "who?"), 1);
	t = install(&b, &p);					/* replaced: what MIDs named is remembered */
	CHECK_EQ(output_of(t, "one.", 0, ""), 2);
	CHECK_EQ(rtcp_output_of(t, "one."), 3);
	bench_exit(&b);
}

/* What a MID named reaches the next engine with the trackers, and a tracker that knows nothing does not undo it. */
TEST(leaving_sections_survive_a_handover)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);
	struct rtpe_ssrc tracker, ignorant;
	struct rtpe_target *t;
	struct bench b, next;
	struct packed p;

	bench_init(&b);
	bench_init(&next);
	pack_bundle(&p, &a);
	t = install(&b, &p);
	CHECK_EQ(output_of(t, "one.", 0, "v"), 2);
	tracker = t->details->ssrc[0];
	ignorant = tracker;
	ignorant.group = 0;
	t = install(&next, &p);
	rtpe_ssrc_seed(t->details->ssrc, &tracker);
	ignorant.ext_seq++;
	rtpe_ssrc_seed(t->details->ssrc, &ignorant);
	CHECK_EQ(output_of(t, "one.", 0, ""), 2);
	t->details->ssrc[0].group = 0;
	tracker.ext_seq--;
	rtpe_ssrc_seed(t->details->ssrc, &tracker);
	CHECK_EQ(output_of(t, "one.", 0, ""), 2);
	bench_exit(&b);
	bench_exit(&next);
}

static u32 waiting(struct rtpe_stream_queue *q, const struct rtpe_packet *p)
{
	struct rtpe_copy *c;
	u32 count = 0;

	while ((c = rtpe_stream_take(q))) {
		CHECK(c->len == 28 + p->len && !memcmp(c->data + 28, p->data, p->len));
		rtpe_free(c);
		count++;
	}
	return count;
}

static void make_streams(struct bench *b, u32 *all, u32 *rtcp)
{
	static const struct rtpe_intercept_ops none;
	struct rtpe_stream s = { .name = { "all" } };
	struct rtpe_name call = { "call" };

	CHECK_EQ(rtpe_intercept_init(&b->table.intercept, &none), 0);
	CHECK_EQ(rtpe_call_add(&b->table, &call, &s.call), 0);
	CHECK_EQ(rtpe_stream_add(&b->table, &s, all), 0);
	strcpy(s.name.name, "rtcp");
	CHECK_EQ(rtpe_stream_add(&b->table, &s, rtcp), 0);
}

/* Which streams get a copy, of what, with which flags. */
TEST(leaving_into_streams)
{
	static const struct {
		const char *name, *data;
		u32 len;
		u32 flags;
		bool all, rtcp;
		u16 type_flags;
	} rows[] = {
		{ "RTP", BYTES("\x80\0\0\1\0\0\0\1SSRC"), 0, true, false, 0 },
		{ "report", BYTES("\x80\xc9\0\1SSRC"), 0, true, true, 0 },
		{ "feedback", BYTES("\x81\xce\0\2SSRCsrc."), 0, true, true, 0 },
		{ "feedback that is consumed", BYTES("\x81\xce\0\2SSRCsrc."), RTPE_TARGET_CONSUME_FEEDBACK, true, false, 0 },
		{ "report with feedback", BYTES("\x80\xc9\0\1SSRC\x81\xce\0\2SSRCsrc."), RTPE_TARGET_CONSUME_FEEDBACK, true,
		  true, 0 },
		{ "neither", BYTES("T.38"), 0, true, false, 0 },
		{ "neither, only RTP wanted", BYTES("T.38"), RTPE_TARGET_RTP_ONLY, false, false, 0 },
		{ "learning", BYTES("\x80\0\0\1\0\0\0\1SSRC"), RTPE_TARGET_LEARN, false, false, 0 },
		{ "unknown payload type, filtered", BYTES("\x80\x63\0\1\0\0\0\1SSRC"), RTPE_TARGET_PT_FILTER, false, false, 0 },
		{ "dropped anyway", BYTES("\x80\0\0\1\0\0\0\1SSRC"), RTPE_TARGET_BLACKHOLE, true, false, 0 },
		{ "reported payload type", BYTES("\x80\0\0\1\0\0\0\1SSRC"), 0, true, true, RTPE_PAYLOAD_TYPE_REPORTED },
		{ "dropped, but reported", BYTES("\x80\0\0\1\0\0\0\1SSRC"), RTPE_TARGET_BLACKHOLE, true, true,
		  RTPE_PAYLOAD_TYPE_REPORTED },
		{ "another type is reported", BYTES("\x80\x63\0\1\0\0\0\1SSRC"), 0, true, false,
		  RTPE_PAYLOAD_TYPE_REPORTED },
		{ "reported, while learning", BYTES("\x80\0\0\1\0\0\0\1SSRC"), RTPE_TARGET_LEARN, false, false,
		  RTPE_PAYLOAD_TYPE_REPORTED },
	};
	struct rtpe_addr a = address4(0x7f000001, 5000);
	u32 i, outputs, all, rtcp;
	struct rtpe_target *t;
	struct rtpe_packet p;
	struct message m;
	struct bench b;

	bench_init(&b);
	make_streams(&b, &all, &rtcp);
	for (i = 0; i < COUNT(rows); i++) {
		for (outputs = 0; outputs < 2; outputs++) {
			check_case(rows[i].name);
			message_init(&m, &a, (u8)outputs);
			m.target.flags |= rows[i].flags;
			m.payload_types[0].flags = rows[i].type_flags;
			m.target.stream = all;
			m.target.rtcp_stream = rtcp;
			t = bench_add(&b, &m, true);
			media_packet(&p, rows[i].data, rows[i].len, 0);
			p.src = address4(0x0a000001, 5000);
			CHECK_EQ(rtpe_forward_packet(t, &p) == RTPE_PASS, !rows[i].all);
			CHECK_EQ(waiting(t->stream, &p), rows[i].all);
			CHECK_EQ(waiting(t->rtcp_stream, &p), rows[i].rtcp);
			media_free(&p);
		}
	}
	rtpe_table_flush(&b.table);
	rtpe_reclaim_all();
	rtpe_intercept_exit(&b.table);
	bench_exit(&b);
}

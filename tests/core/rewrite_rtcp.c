// SPDX-License-Identifier: GPL-3.0-or-later
/* What outputs change in RTCP: sources, numbers of packets, feedback. */
#include "../../kmod/core/rtcp.h"
#include "check.h"
#include "rewriting.h"

static const struct rtpe_ssrc_map two[] = {
	{ .from = 0x61616161, .to = 0x41414141, .seq_offset = 0x0102 },		/* aaaa */
	{ .from = 0x62626262, .to = 0x42424242, .seq_offset = 0xfffe },		/* bbbb */
};
static const struct rtpe_rewrite_parts two_maps = { .maps = two, .num_maps = 2 };

#define INFO "12345678901234567890"		/* of a sender report */
#define REPORT(source, seq) source "Lost" seq "jittLSR.DLSR"

/* Every place where RTCP names a source or a number of its packets. */
static const struct {
	const char *name;
	u8 count, type;
	const char *in;
	u32 len;
	const char *out;
} mapped[] = {
	{ "sender report, no blocks", 0, 200, BYTES("aaaa" INFO), "AAAA" INFO },
	{ "sender report, unknown sender", 0, 200, BYTES("cccc" INFO), "cccc" INFO },
	{ "sender report with blocks", 2, 200,
	  BYTES("aaaa" INFO REPORT("bbbb", "\0\1\0\1") REPORT("cccc", "\0\1\0\1") "profile_"),
	  "AAAA" INFO REPORT("BBBB", "\0\0\xff\xff") REPORT("cccc", "\0\1\0\1") "profile_" },
	{ "receiver report", 1, 201, BYTES("cccc" REPORT("aaaa", "\0\0\xff\xff")), "cccc" REPORT("AAAA", "\0\1\1\1") },
	{ "receiver report, first cycle, negative step", 1, 201, BYTES("cccc" REPORT("bbbb", "\0\0\0\1")),
	  "cccc" REPORT("BBBB", "\xff\xff\xff\xff") },
	{ "more blocks announced than there are", 31, 201, BYTES("aaaa" REPORT("bbbb", "\0\1\0\2")),
	  "AAAA" REPORT("BBBB", "\0\1\0\0") },
	{ "half a block", 1, 201, BYTES("aaaabbbbLost"), "AAAABBBBLost" },
	{ "description", 2, 202, BYTES("aaaa\1\5aaaa.\0bbbb\1\2bb\0\0\0\0"), "AAAA\1\5aaaa.\0BBBB\1\2bb\0\0\0\0" },
	{ "description without items", 2, 202, BYTES("aaaa\0\0\0\0bbbb\0\0\0\0"), "AAAA\0\0\0\0BBBB\0\0\0\0" },
	{ "description, item to the end", 2, 202, BYTES("aaaa\1\xff""aaaaaaaaaa"), "AAAA\1\xff""aaaaaaaaaa" },
	{ "description, no end", 3, 202, BYTES("aaaa\1\2xx\1\1x\1"), "AAAA\1\2xx\1\1x\1" },
	{ "description, end fills a word", 2, 202, BYTES("aaaa\1\0\1\0\0\0\0\0bbbb"), "AAAA\1\0\1\0\0\0\0\0BBBB" },
	{ "bye", 2, 203, BYTES("aaaabbbb\4aaaa..."), "AAAABBBB\4aaaa..." },
	{ "bye of nobody", 0, 203, BYTES("aaaa"), "aaaa" },
	{ "bye of more than there are", 31, 203, BYTES("aaaacccc"), "AAAAcccc" },
	{ "application", 3, 204, BYTES("aaaanameaaaa"), "AAAAnameaaaa" },
	{ "nack", 1, 205, BYTES("aaaabbbb\0\1\0\1\0\2\xff\xff"), "AAAABBBB\xff\xff\0\1\0\0\xff\xff" },
	{ "nack of another source", 1, 205, BYTES("aaaacccc\0\1\0\1"), "AAAAcccc\0\1\0\1" },
	{ "TMMBR", 3, 205, BYTES("aaaa\0\0\0\0bbbb1234aaaa1234"), "AAAA\0\0\0\0BBBB1234AAAA1234" },
	{ "TMMBN", 4, 205, BYTES("aaaa\0\0\0\0bbbb1234"), "AAAA\0\0\0\0BBBB1234" },
	{ "transport-wide feedback", 15, 205, BYTES("aaaabbbbaaaabbbb"), "AAAABBBBaaaabbbb" },
	{ "congestion control", 11, 205, BYTES("aaaabbbb\0\2\0\3xxxxxx..cccc\0\2\0\0aaaa\0\0\0\0time"),
	  "AAAABBBB\0\0\0\3xxxxxx..cccc\0\2\0\0AAAA\1\2\0\0time" },
	{ "congestion control, count that lies", 11, 205, BYTES("aaaabbbb\0\2\xff\xffxxxxtime"),
	  "AAAABBBB\0\0\xff\xffxxxxtime" },
	{ "congestion control, half a block", 11, 205, BYTES("aaaabbbbtime"), "AAAAbbbbtime" },
	{ "picture loss", 1, 206, BYTES("aaaabbbb"), "AAAABBBB" },
	{ "full intra request", 4, 206, BYTES("aaaa\0\0\0\0bbbb\1\0\0\0cccc\2\0\0\0aaaa\3\0\0\0"),
	  "AAAA\0\0\0\0BBBB\1\0\0\0cccc\2\0\0\0AAAA\3\0\0\0" },
	{ "REMB", 15, 206, BYTES("aaaa\0\0\0\0REMB\3\1\2\3bbbbccccaaaa"), "AAAA\0\0\0\0REMB\3\1\2\3BBBBccccAAAA" },
	{ "REMB, count that lies", 15, 206, BYTES("aaaa\0\0\0\0REMB\xff\1\2\3bbbb"), "AAAA\0\0\0\0REMB\xff\1\2\3BBBB" },
	{ "REMB without list", 15, 206, BYTES("aaaabbbbREMB"), "AAAABBBBREMB" },
	{ "another application's feedback", 15, 206, BYTES("aaaabbbbother\0\0\0bbbb"), "AAAABBBBother\0\0\0bbbb" },
	{ "feedback without media source", 1, 206, BYTES("aaaa"), "AAAA" },
	{ "extended reports", 0, 207,
	  BYTES("aaaa" "\1\0\0\3bbbb\0\2\0\5xxxx" "\4\0\0\2aaaabbbb" "\5\0\0\6aaaa12345678bbbb12345678"
		"\6\0\0\2bbbb\0\2\0\5" "\7\0\0\1aaaa" "\x63\0\0\1aaaa"),
	  "AAAA" "\1\0\0\3BBBB\0\0\0\3xxxx" "\4\0\0\2aaaabbbb" "\5\0\0\6AAAA12345678BBBB12345678"
	  "\6\0\0\2BBBB\0\0\0\3" "\7\0\0\1AAAA" "\x63\0\0\1aaaa" },
	{ "extended reports, length that lies", 0, 207, BYTES("aaaa\1\0\0\2bbbb"), "AAAA\1\0\0\2bbbb" },
	{ "extended reports, block too short for its source", 0, 207, BYTES("aaaa\1\0\0\0\7\0\0\0"),
	  "AAAA\1\0\0\0\7\0\0\0" },
	{ "extended jitter names nobody", 1, 195, BYTES("aaaa"), "aaaa" },
	{ "unknown type", 0, 210, BYTES("aaaabbbb"), "aaaabbbb" },
	{ "nothing at all", 0, 201, BYTES(""), "" },
};

static void check_mapped(u32 i, u32 before, u32 behind)
{
	static struct media in, out;

	in.len = out.len = 0;
	while (before--) {
		media_rtcp(&in, 0, 201, "bbbb", 4);
		media_rtcp(&out, 0, 201, "BBBB", 4);
	}
	media_rtcp(&in, mapped[i].count, mapped[i].type, mapped[i].in, mapped[i].len);
	media_rtcp(&out, mapped[i].count, mapped[i].type, mapped[i].out, mapped[i].len);
	while (behind--) {
		media_rtcp(&in, 0, 201, "aaaa", 4);
		media_rtcp(&out, 0, 201, "AAAA", 4);
	}
	CHECK_EQ(rewrite(&two_maps, &in), RTPE_SEND);
	CHECK(in.len == out.len && !memcmp(in.bytes, out.bytes, in.len));
}

/* First, last, and in between. */
TEST(rewrite_rtcp_sources)
{
	u32 i;

	for (i = 0; i < COUNT(mapped); i++) {
		check_case(mapped[i].name);
		check_mapped(i, 0, 1);
		check_mapped(i, 1, 0);
		check_mapped(i, 2, 2);
	}
}

/* Padding may look like anything. */
TEST(rewrite_rtcp_padding)
{
	static struct media m;

	media_rtcp(&m, 1, 205, BYTES("aaaabbbb\0\2\0\0" "aaaaaaa\x8"));
	m.bytes[0] |= 0x20;
	CHECK_EQ(rewrite(&two_maps, &m), RTPE_SEND);
	CHECK(!memcmp(m.bytes + 4, "AAAABBBB\0\0\0\0aaaaaaa\x8", 20));
	m.len = 0;
	media_rtcp(&m, 2, 203, BYTES("aaaabbbb"));
	m.bytes[0] |= 0x20;		/* more padding than there is room */
	CHECK_EQ(rewrite(&two_maps, &m), RTPE_SEND);
	CHECK(!memcmp(m.bytes + 4, "AAAABBBB", 8));
	m.len = 0;
	media_rtcp(&m, 1, 205, BYTES("aaaabbbb\0\2\0\xff"));
	m.bytes[0] |= 0x20;
	CHECK_EQ(rewrite(&two_maps, &m), RTPE_SEND);
	CHECK(!memcmp(m.bytes + 4, "AAAABBBB\0\0\0\xff", 12));
}

/* What a letter stands for: S, R and D for reports and descriptions, T and P for feedback, B for goodbye. */
static void compound(struct media *m, const char *letters)
{
	static const struct {
		char letter;
		u8 count, type;
		const char *data;
	} kinds[] = {
		{ 'S', 0, 200, "xxxx" INFO }, { 'R', 0, 201, "xxxx" }, { 'D', 1, 202, "xxxx\1\1x" },
		{ 'B', 1, 203, "xxxx" }, { 'A', 0, 204, "xxxxname" }, { 'T', 1, 205, "xxxxyyyyPIDB" },
		{ 'P', 1, 206, "xxxxyyyy" }, { 'X', 0, 207, "xxxx" },
	};
	u32 i;

	for (m->len = 0; *letters; letters++)
		for (i = 0; i < COUNT(kinds); i++)
			if (kinds[i].letter == *letters)
				media_rtcp(m, kinds[i].count, kinds[i].type, kinds[i].data, (u32)strlen(kinds[i].data));
}

TEST(rewrite_feedback_is_stripped)
{
	static const struct rtpe_rewrite_parts parts = { .strip_feedback = true };
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "S", "S" }, { "R", "R" }, { "SD", "SD" }, { "RDP", "RD" }, { "SDT", "SD" }, { "RTDPX", "RDX" },
		{ "RDTPTPTB", "RDB" }, { "PR", "R" }, { "P", "" }, { "T", "" }, { "PTP", "" }, { "DP", "D" }, { "XTA", "XA" },
	};
	static struct media in, out;
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].in);
		compound(&in, rows[i].in);
		compound(&out, rows[i].out);
		CHECK_EQ(rewrite(&parts, &in), out.len ? RTPE_SEND : RTPE_LEAVE_OUT);
		CHECK(in.len == out.len && !memcmp(in.bytes, out.bytes, in.len));
	}
	compound(&in, "P");
	media_rtcp(&in, 0, 203, "", 0);		/* nobody's goodbye: no datagram of its own */
	CHECK_EQ(rewrite(&parts, &in), RTPE_LEAVE_OUT);
}

TEST(rewrite_feedback_goes_before_sources_are_replaced)
{
	static const struct rtpe_rewrite_parts parts = { .maps = two, .num_maps = 2, .strip_feedback = true };
	static struct media m;

	media_rtcp(&m, 1, 206, BYTES("aaaabbbb"));
	media_rtcp(&m, 1, 203, BYTES("aaaa"));
	CHECK_EQ(rewrite(&parts, &m), RTPE_SEND);
	CHECK(m.len == 8 && !memcmp(m.bytes, "\x81\xcb\0\1AAAA", 8));
}

/* T6: compounds that do not add up are sent only by those outputs that do not look into them. */
TEST(rewrite_rtcp_that_lies)
{
	static const struct rtpe_rule rule = { .number = 72, .flags = RTPE_RULE_BLACKHOLE };
	static const struct rtpe_rewrite_parts strips = { .strip_feedback = true };
	static const struct rtpe_rewrite_parts rules = { .rules = &rule, .num_rules = 1 };
	static const struct {
		const char *name, *more;
		u32 len;
	} rows[] = {
		{ "one byte more", BYTES("\x80") }, { "half a header", BYTES("\x80\xc9\0") },
		{ "header only, length that lies", BYTES("\x80\xc9\0\1") }, { "length that lies", BYTES("\x81\xcd\0\3aaaabbbb") },
		{ "largest length", BYTES("\x81\xce\xff\xff""aaaabbbb") }, { "version 1", BYTES("\x40\xc9\0\1aaaa") },
		{ "zeros", BYTES("\0\0\0\0") },
		{ "a type that RTP could have", BYTES("\x80\x48\0\1""aaaa") }, { "type 224", BYTES("\x80\xe0\0\1""aaaa") },
	};
	static struct media m, before;
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		compound(&before, "RP");
		media_add(&before, rows[i].more, rows[i].len);
		m = before;
		CHECK_EQ(rewrite(&two_maps, &m), -EBADMSG);
		CHECK_EQ(rewrite(&strips, &m), -EBADMSG);
		CHECK_EQ(rewrite(&rules, &m), RTPE_SEND);
		CHECK(m.len == before.len && !memcmp(m.bytes, before.bytes, m.len));
	}
}

TEST(rewrite_leaves_the_rest_alone)
{
	static const struct rtpe_rewrite_parts parts = { .maps = two, .num_maps = 2, .strip_feedback = true };
	static const struct {
		const char *data;
		u32 len;
	} rows[] = {
		{ BYTES("") }, { BYTES("a") }, { BYTES("\x16\xfe\xfd") }, { BYTES("\x80\xc8\xff\xff") }, { BYTES("\x80\0\0") },
	};
	static struct media m;
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		m.len = 0;
		media_add(&m, rows[i].data, rows[i].len);
		CHECK_EQ(rewrite(&parts, &m), RTPE_SEND);
		CHECK(m.len == rows[i].len && !memcmp(m.bytes, rows[i].data, m.len));
	}
}

TEST(rewrite_pure_feedback)
{
	static const struct {
		const char *letters;
		bool pure;
	} rows[] = {
		{ "P", true }, { "T", true }, { "TPPT", true }, { "RP", false }, { "PR", false }, { "R", false }, { "SDT", false },
		{ "A", false },
	};
	static struct media m;
	struct rtpe_packet p;
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].letters);
		compound(&m, rows[i].letters);
		media_packet(&p, m.bytes, m.len, 0);
		CHECK_EQ(p.kind, RTPE_KIND_RTCP);
		CHECK_EQ(rtpe_rtcp_is_pure_feedback(&p), rows[i].pure);
		media_free(&p);
		media_add(&m, "?", 1);
		media_packet(&p, m.bytes, m.len, 0);
		CHECK(!rtpe_rtcp_is_pure_feedback(&p));
		media_free(&p);
	}
}

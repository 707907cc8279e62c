// SPDX-License-Identifier: GPL-3.0-or-later
/* What outputs change in packets: payload rules, sources and sequence numbers, feedback. */
#include "../../kmod/core/rewrite.h"
#include "../../kmod/core/rtcp.h"
#include "check.h"
#include "media.h"

#define BYTES(s) s, sizeof(s) - 1

static u32 ssrc(const char *text)
{
	u32 n;

	memcpy(&n, text, 4);
	return n;
}

static struct rtpe_rewrite *made(const struct rtpe_rewrite_parts *parts)
{
	struct rtpe_rewrite *w;

	CHECK_EQ(rtpe_rewrite_check(parts), 0);
	CHECK_EQ(rtpe_rewrite_create(&w, parts), 0);
	CHECK(w);
	return w;
}

/* Rewrites m into m; returns what rtpe_rewrite_packet() does. */
static int rewrite(const struct rtpe_rewrite_parts *parts, struct media *m)
{
	struct rtpe_rewrite *w = made(parts);
	struct rtpe_packet p;
	int result;

	media_packet(&p, m->bytes, m->len, rtpe_rewrite_growth(w));
	result = rtpe_rewrite_packet(w, &p);
	CHECK_EQ(p.len + p.room, m->len + rtpe_rewrite_growth(w));
	memcpy(m->bytes, p.data, p.len);
	m->len = p.len;
	media_free(&p);
	rtpe_rewrite_destroy(w);
	return result;
}

TEST(rewrite_nothing_is_nothing)
{
	struct rtpe_rewrite_parts parts = { 0 };
	struct rtpe_rewrite *w;

	CHECK_EQ(rtpe_rewrite_check(&parts), 0);
	CHECK_EQ(rtpe_rewrite_create(&w, &parts), 0);
	CHECK(!w);
	CHECK_EQ(rtpe_rewrite_growth(NULL), 0);
	rtpe_rewrite_destroy(w);
}

static int check_rules(const struct rtpe_rule *rules, u32 count)
{
	struct rtpe_rewrite_parts parts = { .rules = rules, .num_rules = count };

	return rtpe_rewrite_check(&parts);
}

static int check_map(struct rtpe_ssrc_map a, struct rtpe_ssrc_map b)
{
	struct rtpe_ssrc_map maps[] = { a, b };
	struct rtpe_rewrite_parts parts = { .maps = maps, .num_maps = 2 };

	return rtpe_rewrite_check(&parts);
}

static int check_mid(struct rtpe_mid mid)
{
	struct rtpe_rewrite_parts parts = { .mid = &mid };

	return rtpe_rewrite_check(&parts);
}

TEST(rewrite_refuses)
{
	static struct rtpe_rule many[RTPE_MAX_RULES + 1];
	static struct rtpe_ssrc_map maps[RTPE_MAX_SSRC_MAPS + 1];
	struct rtpe_rewrite_parts parts = { .maps = maps };
	u32 i;

	for (i = 0; i < COUNT(many); i++)
		many[i].number = (u8)(3 * i);
	for (i = 0; i < COUNT(maps); i++)
		maps[i].from = i;
	CHECK_EQ(check_rules(many, RTPE_MAX_RULES), 0);
	CHECK_EQ(check_rules(many, RTPE_MAX_RULES + 1), -ERANGE);
	parts.num_maps = RTPE_MAX_SSRC_MAPS;
	CHECK_EQ(rtpe_rewrite_check(&parts), 0);
	parts.num_maps++;
	CHECK_EQ(rtpe_rewrite_check(&parts), -ERANGE);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .number = 127 } }, 1), 0);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .number = 128 } }, 1), -EINVAL);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .number = 8 }, { .number = 8 } }, 2), -EINVAL);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .number = 8 }, { .number = 0 } }, 2), -EINVAL);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .flags = 2 } }, 1), -EINVAL);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .pattern_len = 16 } }, 1), 0);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .pattern_len = 17 } }, 1), -EINVAL);
	CHECK_EQ(check_rules((struct rtpe_rule[]){ { .reserved = { 0, 0, 1 } } }, 1), -EINVAL);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 1, .to = 5 }, (struct rtpe_ssrc_map){ .from = 2, .to = 5 }), 0);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 1 }, (struct rtpe_ssrc_map){ .from = 1 }), -EINVAL);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 1 }, (struct rtpe_ssrc_map){ .reserved = { 0, 0, 1 } }), -EINVAL);
	CHECK_EQ(check_mid((struct rtpe_mid){ .id = 1, .len = 1, .text = "m" }), 0);
	CHECK_EQ(check_mid((struct rtpe_mid){ .id = 255, .len = 255, .text = "m" }), 0);
	CHECK_EQ(check_mid((struct rtpe_mid){ .id = 0, .len = 1, .text = "m" }), -EINVAL);
	CHECK_EQ(check_mid((struct rtpe_mid){ .id = 15, .len = 1, .text = "m" }), -EINVAL);
	CHECK_EQ(check_mid((struct rtpe_mid){ .id = 1, .len = 0 }), -EINVAL);
	CHECK_EQ(check_mid((struct rtpe_mid){ .id = 1, .len = 1, .text = "mm" }), -EINVAL);
	CHECK_EQ(check_mid((struct rtpe_mid){ .id = 1, .len = 1, .text = "m", .reserved = { 1 } }), -EINVAL);
}

/* RTP with `payload`, the padding bit set if `padded`. */
static void with_payload(struct media *m, u8 payload_type, bool padded, const void *payload, u32 len)
{
	media_rtp(m, payload_type);
	if (padded)
		m->bytes[0] |= 0x20;
	media_add(m, payload, len);
}

/* Padding that lies is what GHSA-f26w-gh5m-qq77 and str0m#212 tripped over. */
TEST(rewrite_rules_by_payload_type)
{
	static const struct rtpe_rule rules[] = {
		{ .number = 0, .flags = RTPE_RULE_BLACKHOLE },
		{ .number = 8, .min_payload = 10 },
		{ .number = 127, .min_payload = 1, .pattern_len = 3, .pattern = "abc" },
	};
	static const struct rtpe_rewrite_parts parts = { .rules = rules, .num_rules = COUNT(rules) };
	static const struct {
		const char *name;
		u8 payload_type;
		bool padded;
		const char *in;
		u32 in_len;
		int result;
		const char *out;
	} rows[] = {
		{ "no rule", 9, false, BYTES("0123456789"), RTPE_SEND, "0123456789" },
		{ "blackhole", 0, false, BYTES("0123456789"), RTPE_LEAVE_OUT, "0123456789" },
		{ "marker does not matter", 0x80, false, BYTES("0123456789"), RTPE_LEAVE_OUT, "0123456789" },
		{ "long enough", 8, false, BYTES("0123456789"), RTPE_SEND, "0123456789" },
		{ "too short", 8, false, BYTES("012345678"), RTPE_LEAVE_OUT, "012345678" },
		{ "padding does not count", 8, true, BYTES("012345678\0\2"), RTPE_LEAVE_OUT, "012345678\0\2" },
		{ "long enough with padding", 8, true, BYTES("0123456789\1"), RTPE_SEND, "0123456789\1" },
		{ "pattern", 127, false, BYTES("0123456789"), RTPE_SEND, "abcabcabca" },
		{ "pattern longer than payload", 127, false, BYTES("0"), RTPE_SEND, "a" },
		{ "pattern, empty payload", 127, false, BYTES(""), RTPE_LEAVE_OUT, "" },
		{ "pattern leaves padding alone", 127, true, BYTES("01234\0\0\3"), RTPE_SEND, "abcab\0\0\3" },
		{ "nothing but padding", 127, true, BYTES("\0\0\0\4"), RTPE_LEAVE_OUT, "\0\0\0\4" },
		{ "padding larger than payload", 127, true, BYTES("0\0\0\5"), RTPE_LEAVE_OUT, "0\0\0\5" },
		{ "padding of zero bytes", 127, true, BYTES("012\0"), RTPE_LEAVE_OUT, "012\0" },
		{ "padding, no payload", 127, true, BYTES(""), RTPE_LEAVE_OUT, "" },
	};
	static struct media m;
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		with_payload(&m, rows[i].payload_type, rows[i].padded, rows[i].in, rows[i].in_len);
		CHECK_EQ(rewrite(&parts, &m), rows[i].result);
		CHECK_EQ(m.len, 12 + rows[i].in_len);
		CHECK(!memcmp(m.bytes + 12, rows[i].out, rows[i].in_len));
	}
}

TEST(rewrite_patterns_of_every_length)
{
	struct rtpe_rule rule = { .number = 96 };
	struct rtpe_rewrite_parts parts = { .rules = &rule, .num_rules = 1 };
	static struct media m;
	static u8 payload[1400];
	u32 len, i;

	for (i = 0; i < RTPE_MAX_PATTERN; i++)
		rule.pattern[i] = (u8)(i + 1);
	for (rule.pattern_len = 1; rule.pattern_len <= RTPE_MAX_PATTERN; rule.pattern_len++) {
		for (len = 0; len < sizeof(payload); len = len * 3 / 2 + 1) {
			with_payload(&m, 96, false, payload, len);
			CHECK_EQ(rewrite(&parts, &m), RTPE_SEND);
			for (i = 0; i < len; i++)
				CHECK_EQ(m.bytes[12 + i], 1 + i % rule.pattern_len);
		}
	}
}

/* The parts in their order: the pattern covers the payload, not the extension that moves it. */
TEST(rewrite_everything_at_once)
{
	struct rtpe_rule rule = { .number = 96, .pattern_len = 2, .pattern = "xy" };
	struct rtpe_ssrc_map map = { .from = ssrc("SSRC"), .to = ssrc("NEWS"), .seq_offset = 0xffff };
	struct rtpe_extensions allowed = { { 1 << 2 } };
	struct rtpe_mid mid = { .id = 3, .len = 1, .text = "m" };
	struct rtpe_rewrite_parts parts = {
		.maps = &map, .num_maps = 1, .rules = &rule, .num_rules = 1, .extensions = &allowed, .mid = &mid,
	};
	static struct media m;
	struct rtpe_rewrite *w = made(&parts);
	struct rtpe_packet p;

	media_rtp(&m, 96 | 0x80);
	m.bytes[0] |= 0x20;
	media_extension(&m, 0xbede, BYTES("\x10""A\x20""B\x40""C"));
	media_add(&m, BYTES("payload\0\2"));
	media_packet(&p, m.bytes, m.len, rtpe_rewrite_growth(w));
	CHECK_EQ(rtpe_rewrite_packet(w, &p), RTPE_SEND);
	CHECK_EQ(p.len, 12 + 4 + 4 + 9);
	CHECK_EQ(p.header_len, 20);
	CHECK_EQ(p.seq, 0x1233);
	CHECK_EQ(p.ssrc, ssrc("NEWS"));
	CHECK_EQ(p.kind, RTPE_KIND_RTP);
	CHECK(!memcmp(p.data, "\xb0\xe0\x12\x33\0\0\0\1NEWS\xbe\xde\0\1\x30m\x20""Bxyxyxyx\0\2", p.len));
	media_free(&p);
	rtpe_rewrite_destroy(w);
}

TEST(rewrite_sources)
{
	static const struct {
		const char *name, *from;
		u16 offset;
		const char *out;
	} rows[] = {
		{ "other source", "CRSS", 1, "\x80\x60\x12\x34\0\0\0\1SSRC" },
		{ "same number", "SSRC", 0, "\x80\x60\x12\x34\0\0\0\1NEWS" },
		{ "ahead", "SSRC", 0x1111, "\x80\x60\x23\x45\0\0\0\1NEWS" },
		{ "wraps", "SSRC", 0xedcc, "\x80\x60\0\0\0\0\0\1NEWS" },
	};
	static struct media m;
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		struct rtpe_ssrc_map maps[RTPE_MAX_SSRC_MAPS] = { { .from = 1 } };
		struct rtpe_rewrite_parts parts = { .maps = maps, .num_maps = COUNT(maps) };
		u32 k;

		for (k = 0; k < COUNT(maps) - 1; k++)
			maps[k].from = 100 + k;
		maps[k] = (struct rtpe_ssrc_map){ ssrc(rows[i].from), ssrc("NEWS"), rows[i].offset, { 0 } };
		check_case(rows[i].name);
		media_rtp(&m, 96);
		CHECK_EQ(rewrite(&parts, &m), RTPE_SEND);
		CHECK(m.len == 12 && !memcmp(m.bytes, rows[i].out, 12));
	}
}

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

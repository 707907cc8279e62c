// SPDX-License-Identifier: GPL-3.0-or-later
/* What outputs change in RTP: payload rules, header extensions, sources and sequence numbers. */
#include "check.h"
#include "rewriting.h"

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
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 1 }, (struct rtpe_ssrc_map){ .reserved = { 0, 1 } }), -EINVAL);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 1 }, (struct rtpe_ssrc_map){ .flags = 2 }), -EINVAL);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 0 }, (struct rtpe_ssrc_map){ .to = 5, .flags = 1 }), 0);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .to = 5, .flags = 1 }, (struct rtpe_ssrc_map){ .from = 1 }), -EINVAL);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 1 }, (struct rtpe_ssrc_map){ .from = 2, .flags = 1 }), -EINVAL);
	CHECK_EQ(check_map((struct rtpe_ssrc_map){ .from = 1 }, (struct rtpe_ssrc_map){ .seq_offset = 1, .flags = 1 }),
		 -EINVAL);
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
		maps[k] = (struct rtpe_ssrc_map){ ssrc(rows[i].from), ssrc("NEWS"), rows[i].offset, 0, { 0 } };
		check_case(rows[i].name);
		media_rtp(&m, 96);
		CHECK_EQ(rewrite(&parts, &m), RTPE_SEND);
		CHECK(m.len == 12 && !memcmp(m.bytes, rows[i].out, 12));
	}
}

TEST(rewrite_other_sources)
{
	struct rtpe_ssrc_map maps[] = { { .from = ssrc("CRSS"), .to = ssrc("NEWS") },
					{ .to = ssrc("\x20\0\0\1"), .flags = RTPE_SSRC_MAP_OTHERS } };
	struct rtpe_rewrite_parts parts = { .maps = maps, .num_maps = COUNT(maps) };
	static struct media m;

	media_rtp(&m, 96);
	CHECK_EQ(rewrite(&parts, &m), RTPE_SEND);
	CHECK(m.len == 12 && !memcmp(m.bytes, "\x80\x60\x12\x34\0\0\0\1sSRB", 12));
}

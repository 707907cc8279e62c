// SPDX-License-Identifier: GPL-3.0-or-later
/* Header extensions (RFC 8285): walking, filtering, putting in a MID. */
#include "../../kmod/core/extmap.h"
#include "check.h"
#include "media.h"

#define ONE 0xbede
#define TWO 0x1000
#define PAYLOAD "payload"
#define ANY 0xffff

static void allow(struct rtpe_extensions *e, const char *ids, u32 count)
{
	memset(e, 0, sizeof(*e));
	while (count--)
		e->allowed[(u8)ids[count] / 8] |= (u8)(1u << (u8)ids[count] % 8);
}

static struct rtpe_mid mid_of(u8 id, const char *text, u32 len)
{
	struct rtpe_mid mid = { .id = id, .len = (u8)len };

	memcpy(mid.text, text, len);
	return mid;
}

#define BYTES(s) s, sizeof(s) - 1
#define MID64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	const char *name;
	u16 profile;		/* 0: no header extension */
	const char *in;
	u32 in_len;
	u32 num_allowed;	/* ANY: no filter */
	const char *allowed;
	u8 mid_id;		/* 0: none */
	const char *mid;
	u16 out_profile;	/* 0: no header extension */
	const char *out;
	u32 out_len;
} rows[] = {
	{ "nothing to do, no header", 0, BYTES(""), 1, "\1", 0, "", 0, BYTES("") },
	{ "all allowed", ONE, BYTES("\x10""A\x20""B"), 2, "\1\2", 0, "", ONE, BYTES("\x10""A\x20""B") },
	{ "all allowed, padding between them stays", ONE, BYTES("\x10""A\0\0\0\x20""B\0"), 2, "\1\2", 0, "",
	  ONE, BYTES("\x10""A\0\0\0\x20""B\0") },
	{ "first goes", ONE, BYTES("\x10""A\x21""BC"), 1, "\2", 0, "", ONE, BYTES("\x21""BC\0") },
	{ "last goes", ONE, BYTES("\x10""A\x21""BC"), 1, "\1", 0, "", ONE, BYTES("\x10""A\0\0") },
	{ "middle goes", ONE, BYTES("\x10""A\x21""BC\x32""DEF"), 2, "\1\3", 0, "", ONE, BYTES("\x10""A\x32""DEF\0\0") },
	{ "all go, and the header", ONE, BYTES("\x10""A\x21""BC"), 0, "", 0, "", 0, BYTES("") },
	{ "header without elements goes", ONE, BYTES("\0\0\0\0"), 1, "\1", 0, "", 0, BYTES("") },
	{ "empty header goes", ONE, BYTES(""), 1, "\1", 0, "", 0, BYTES("") },
	{ "id 15 ends it", ONE, BYTES("\x10""A\xf0""B\x20""C\0\0"), 3, "\1\2\x0f", 0, "", ONE, BYTES("\x10""A\0\0") },
	{ "id 15 first", ONE, BYTES("\xf0""A\x20""C"), 2, "\2\x0f", 0, "", 0, BYTES("") },
	{ "padding with a length ends it", ONE, BYTES("\x10""A\x03""B\x20""C\0\0"), 2, "\1\2", 0, "",
	  ONE, BYTES("\x10""A\0\0") },
	{ "padding with a length, whole elements behind it", ONE, BYTES("\x10""A\x01""BB\x20""C\0"), 2, "\1\2", 0, "",
	  ONE, BYTES("\x10""A\0\0") },
	{ "length beyond the extension", ONE, BYTES("\x10""A\x2f""B"), 2, "\1\2", 0, "", ONE, BYTES("\x10""A\0\0") },
	{ "length beyond by one", ONE, BYTES("\x10""A\x21""B"), 2, "\1\2", 0, "", ONE, BYTES("\x10""A\0\0") },
	{ "head in the last byte", ONE, BYTES("\x11""AB\x20"), 2, "\1\2", 0, "", ONE, BYTES("\x11""AB\0") },
	{ "same id twice", ONE, BYTES("\x10""A\x10""B\x20""C\0\0"), 1, "\1", 0, "", ONE, BYTES("\x10""A\x10""B") },
	{ "two-byte, one goes", TWO, BYTES("\1\1A\2\2BC\x10\1D\0\0"), 2, "\1\x10", 0, "",
	  TWO, BYTES("\1\1A\x10\1D\0\0") },
	{ "two-byte, empty data", TWO, BYTES("\1\0\2\0"), 1, "\2", 0, "", TWO, BYTES("\2\0\0\0") },
	{ "two-byte, application bits", TWO | 7, BYTES("\1\0\2\0"), 1, "\2", 0, "", TWO | 7, BYTES("\2\0\0\0") },
	{ "two-byte, id 15 and 255", TWO, BYTES("\x0f\1A\xff\1B\0\0"), 1, "\xff", 0, "", TWO, BYTES("\xff\1B\0") },
	{ "two-byte, padding", TWO, BYTES("\0\1\1A\0\0\2\1B\0\0\0"), 1, "\2", 0, "", TWO, BYTES("\2\1B\0") },
	{ "two-byte, length beyond", TWO, BYTES("\1\1A\2\4BC\0"), 2, "\1\2", 0, "", TWO, BYTES("\1\1A\0") },
	{ "two-byte, half a head", TWO, BYTES("\1\1A\2"), 2, "\1\2", 0, "", TWO, BYTES("\1\1A\0") },
	{ "cryptex", 0xc0de, BYTES("\x10""A\x20""B"), 0, "", 1, "m", 0xc0de, BYTES("\x10""A\x20""B") },
	{ "cryptex, two-byte", 0xc2de, BYTES("\1\1A\0"), 0, "", 1, "m", 0xc2de, BYTES("\1\1A\0") },
	{ "an application's own", 0x1234, BYTES("abcd"), 0, "", 1, "m", 0x1234, BYTES("abcd") },
	{ "MID into nothing", 0, BYTES(""), ANY, "", 3, "m", ONE, BYTES("\x30m\0\0") },
	{ "MID of 16 bytes", 0, BYTES(""), ANY, "", 14, "0123456789abcdef", ONE, BYTES("\xef""0123456789abcdef\0\0\0") },
	{ "MID of 17 bytes", 0, BYTES(""), ANY, "", 14, "0123456789abcdefg",
	  TWO, BYTES("\x0e\x11""0123456789abcdefg\0") },
	{ "MID with id 16", 0, BYTES(""), ANY, "", 16, "m", TWO, BYTES("\x10\1m\0") },
	{ "MID with id 255", 0, BYTES(""), ANY, "", 255, "m", TWO, BYTES("\xff\1m\0") },
	{ "MID comes first", ONE, BYTES("\x10""A\x21""BC\0\0\0"), ANY, "", 3, "m", ONE, BYTES("\x30m\x10""A\x21""BC\0") },
	{ "MID in place of another", ONE, BYTES("\x10""A\x32old\x20""B"), ANY, "", 3, "m",
	  ONE, BYTES("\x30m\x10""A\x20""B\0\0") },
	{ "MID in place of a longer one, header shrinks", ONE, BYTES("\x3f""0123456789abcdef\x10""A\0"), ANY, "", 3, "m",
	  ONE, BYTES("\x30m\x10""A") },
	{ "MID that is there already", ONE, BYTES("\x30m\0\0"), ANY, "", 3, "m", ONE, BYTES("\x30m\0\0") },
	{ "MID into a header that is filtered", ONE, BYTES("\x10""A\x20""B"), 1, "\2", 3, "m",
	  ONE, BYTES("\x30m\x20""B") },
	{ "MID although its id is not allowed", ONE, BYTES("\x10""A\x20""B"), 0, "", 3, "m", ONE, BYTES("\x30m\0\0") },
	{ "MID into two-byte", TWO, BYTES("\1\1A\0"), ANY, "", 3, "m", TWO, BYTES("\3\1m\1\1A\0\0") },
	{ "long MID converts", ONE, BYTES("\x10""A\x21""BC\0\0\0"), ANY, "", 3, "0123456789abcdefg",
	  TWO, BYTES("\3\x11""0123456789abcdefg\1\1A\2\2BC\0\0") },
	{ "high id converts", ONE, BYTES("\x10""A\x20""B\x30""C\x40""D"), ANY, "", 16, "m",
	  TWO, BYTES("\x10\1m\1\1A\2\1B\3\1C\4\1D\0") },
	{ "converts what the filter leaves", ONE, BYTES("\x10""A\x22""BCD\x33""EFGH\0\0\0"), 2, "\1\3", 16, "m",
	  TWO, BYTES("\x10\1m\1\1A\3\4EFGH") },
	{ "converts nothing but itself", ONE, BYTES("\x10""A\x20""B"), 0, "", 16, "m", TWO, BYTES("\x10\1m\0") },
	{ "converts the most ids that there are", ONE,
	  BYTES("\x10""a\x20""b\x30""c\x40""d\x50""e\x60""f\x70""g\x80""h\x90""i\xa0""j\xb0""k\xc0""l\xd0""m\xe0""n"),
	  ANY, "", 16, "m",
	  TWO, BYTES("\x10\1m\1\1a\2\1b\3\1c\4\1d\5\1e\6\1f\7\1g\x8\1h\x9\1i\xa\1j\xb\1k\xc\1l\xd\1m\xe\1n\0\0\0") },
	{ "long MID", ONE, BYTES("\x10""A\0\0"), ANY, "", 1, MID64, TWO, BYTES("\1\x40" MID64 "\0\0") },
};

static void build(struct media *m, u32 csrcs, u16 profile, const char *extension, u32 len)
{
	media_rtp(m, 96);
	m->bytes[0] |= (u8)csrcs;
	media_add(m, "aaaabbbbccccddddeeeeffffgggghhhhiiiijjjjkkkkllllmmmmnnnnoooo", csrcs * 4);
	if (profile)
		media_extension(m, profile, extension, len);
	media_add(m, PAYLOAD, sizeof(PAYLOAD));
}

static void run_row(u32 i, u32 csrcs)
{
	static struct media in, out;
	struct rtpe_extensions allowed;
	struct rtpe_mid mid = mid_of(rows[i].mid_id, rows[i].mid, (u32)strlen(rows[i].mid));
	struct rtpe_packet p;
	u32 growth;

	allow(&allowed, rows[i].allowed, rows[i].num_allowed == ANY ? 0 : rows[i].num_allowed);
	build(&in, csrcs, rows[i].profile, rows[i].in, rows[i].in_len);
	build(&out, csrcs, rows[i].out_profile, rows[i].out, rows[i].out_len);
	growth = out.len > in.len ? out.len - in.len : 0;
	if (growth) {
		media_packet(&p, in.bytes, in.len, growth - 1);
		CHECK_EQ(rtpe_extmap_edit(&p, rows[i].num_allowed == ANY ? NULL : &allowed, &mid), -EMSGSIZE);
		CHECK(p.len == in.len && !memcmp(p.data, in.bytes, in.len));
		media_free(&p);
	}
	CHECK(growth <= rtpe_extmap_growth(rows[i].mid_id ? &mid : NULL));
	media_packet(&p, in.bytes, in.len, growth);
	CHECK_EQ(p.kind, RTPE_KIND_RTP);
	CHECK_EQ(rtpe_extmap_edit(&p, rows[i].num_allowed == ANY ? NULL : &allowed, rows[i].mid_id ? &mid : NULL), 0);
	CHECK_EQ(p.len, out.len);
	CHECK(!memcmp(p.data, out.bytes, out.len));
	CHECK_EQ(p.len + p.room, in.len + growth);
	CHECK_EQ(p.header_len, out.len - sizeof(PAYLOAD));
	media_free(&p);
}

/* T16: id 15 is where licode#2046 read out of bounds. */
TEST(extmap_edits)
{
	u32 i, csrcs;

	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		for (csrcs = 0; csrcs <= 15; csrcs += 5)
			run_row(i, csrcs);
	}
}

/* 32 one-byte elements that become two-byte ones and a MID of 255 bytes: the largest that fits, and one byte less. */
TEST(extmap_room_is_never_exceeded)
{
	static struct media m;
	char many[64], text[255];
	struct rtpe_packet p;
	struct rtpe_mid mid;
	u32 room, i, grown = 4 + (257 + 96 + 3) / 4 * 4 - (4 + 64);

	for (i = 0; i < 32; i++) {
		many[2 * i] = (char)((1 + i % 14) << 4);
		many[2 * i + 1] = 'x';
	}
	memset(text, 'm', sizeof(text));
	mid = mid_of(200, text, sizeof(text));
	build(&m, 0, ONE, many, sizeof(many));
	for (room = 0; room <= grown; room++) {
		media_packet(&p, m.bytes, m.len, room);
		CHECK_EQ(rtpe_extmap_edit(&p, NULL, &mid), room < grown ? -EMSGSIZE : 0);
		CHECK_EQ(p.len + p.room, m.len + room);
		media_free(&p);
	}
}

/* The extension is as long as its length field can say: one word more does not exist. */
TEST(extmap_largest_extension)
{
	static u8 bytes[12 + 4 + 4 * 65535 + 64];
	struct rtpe_mid mid = mid_of(1, "m", 1);
	struct rtpe_packet p;

	memcpy(bytes, "\x90\0\0\1\0\0\0\0SSRC\xbe\xde\xff\xff", 16);
	memset(bytes + 16, 0xe0, sizeof(bytes) - 16);
	media_packet(&p, bytes, sizeof(bytes), 1000);
	CHECK_EQ(p.kind, RTPE_KIND_RTP);
	CHECK_EQ(rtpe_extmap_edit(&p, NULL, &mid), -EMSGSIZE);
	CHECK_EQ(p.len, sizeof(bytes));
	media_free(&p);
}

static bool has_element(u16 profile, const char *data, u32 len, u8 id, const char *expected)
{
	static struct media m;
	struct rtpe_element x;
	struct rtpe_packet p;
	bool found;

	build(&m, 0, profile, data, len);
	media_packet(&p, m.bytes, m.len, 0);
	found = rtpe_element_find(&p, id, &x);
	if (found) {
		CHECK_EQ(x.len, strlen(expected));
		CHECK(!memcmp(x.data, expected, x.len));
	}
	media_free(&p);
	return found;
}

TEST(extmap_finds)
{
	CHECK(!has_element(0, BYTES(""), 1, ""));
	CHECK(has_element(ONE, BYTES("\x10""A\x21""BC\x30""D\0"), 2, "BC"));
	CHECK(!has_element(ONE, BYTES("\x10""A\x21""BC\x30""D\0"), 4, ""));
	CHECK(!has_element(ONE, BYTES("\x10""A\xf0""B\x30""D\0\0"), 3, ""));
	CHECK(!has_element(ONE, BYTES("\xf0""A\0\0"), 15, ""));
	CHECK(!has_element(ONE, BYTES("\x10""A\x05""B\x30""D\0\0"), 3, ""));
	CHECK(!has_element(ONE, BYTES("\x10""A\x3f""D"), 3, ""));
	CHECK(has_element(TWO, BYTES("\3\0\3\1D\0\0\0"), 3, "D"));
	CHECK(has_element(TWO | 15, BYTES("\xff\2DE"), 255, "DE"));
	CHECK(!has_element(0xc0de, BYTES("\x30""D\0\0"), 3, ""));
}

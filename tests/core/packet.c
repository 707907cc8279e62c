// SPDX-License-Identifier: GPL-3.0-or-later
/* Telling packets apart (RFC 7983, RFC 5761) and reading RTP headers (RFC 3550, RFC 8285). */
#include "check.h"
#include "support.h"

static u8 kind_of(const void *data, u32 len)
{
	struct rtpe_packet p;
	/* Exactly as large as the packet, so that a read behind it is caught. */
	u8 *exact = malloc(len ? len : 1);

	packet_bytes(&p, exact, data, len);
	rtpe_packet_parse(&p);
	free(exact);
	return p.kind;
}

static const struct {
	const char *name;
	u8 kind;
	u8 len;
	u8 data[32];
} kinds[] = {
	{ "empty", RTPE_KIND_OTHER, 0, { 0 } },
	{ "one zero", RTPE_KIND_OTHER, 1, { 0 } },
	{ "STUN binding request", RTPE_KIND_STUN, 20, { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 } },
	{ "STUN with an attribute", RTPE_KIND_STUN, 28, { 1, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42 } },
	{ "STUN, other cookie", RTPE_KIND_OTHER, 20, { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43 } },
	{ "STUN, length too large", RTPE_KIND_OTHER, 20, { 0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42 } },
	{ "STUN, length too small", RTPE_KIND_OTHER, 28, { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 } },
	{ "STUN, not in words", RTPE_KIND_OTHER, 22, { 0, 1, 0, 2, 0x21, 0x12, 0xa4, 0x42 } },
	{ "STUN, truncated", RTPE_KIND_OTHER, 19, { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 } },
	{ "first byte 4", RTPE_KIND_OTHER, 20, { 4, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 } },
	{ "ZRTP range, 16", RTPE_KIND_OTHER, 12, { 16 } },
	{ "19", RTPE_KIND_OTHER, 12, { 19 } },
	{ "DTLS change cipher spec", RTPE_KIND_DTLS, 14, { 20 } },
	{ "DTLS handshake", RTPE_KIND_DTLS, 14, { 22, 254, 253 } },
	{ "DTLS, last of range", RTPE_KIND_DTLS, 1, { 63 } },
	{ "TURN channel", RTPE_KIND_OTHER, 12, { 64 } },
	{ "version 1", RTPE_KIND_OTHER, 12, { 0x40 | 63 } },
	{ "version 3", RTPE_KIND_OTHER, 12, { 0xc0 } },
	{ "RTP", RTPE_KIND_RTP, 12, { 0x80, 0 } },
	{ "RTP, marker and payload type 63", RTPE_KIND_RTP, 12, { 0x80, 0x80 | 63 } },
	{ "RTP, second byte 193", RTPE_KIND_RTP, 12, { 0x80, 193 } },
	{ "RTCP, second byte 194", RTPE_KIND_RTCP, 8, { 0x80, 194, 0, 1 } },
	{ "RTCP sender report", RTPE_KIND_RTCP, 28, { 0x80, 200, 0, 6 } },
	{ "RTCP, second byte 223", RTPE_KIND_RTCP, 8, { 0x80, 223, 0, 1 } },
	{ "RTP, second byte 224", RTPE_KIND_RTP, 12, { 0x80, 224 } },
	{ "RTCP compound", RTPE_KIND_RTCP, 16, { 0x80, 201, 0, 1, 0, 0, 0, 1, 0x80, 203, 0, 1, 0, 0, 0, 1 } },
	{ "RTCP of 4 bytes", RTPE_KIND_OTHER, 4, { 0x80, 200, 0, 0 } },
	{ "RTCP of 7 bytes", RTPE_KIND_OTHER, 7, { 0x80, 200, 0, 0 } },
	{ "RTCP of 4 bytes that promises more", RTPE_KIND_OTHER, 4, { 0x80, 200, 0xff, 0xff } },
	{ "RTCP of 8 bytes that promises more", RTPE_KIND_OTHER, 8, { 0x80, 200, 0, 2 } },
	{ "RTCP of 8 bytes, largest lie", RTPE_KIND_OTHER, 8, { 0x80, 200, 0xff, 0xff } },
	{ "RTCP of 8 bytes, one word", RTPE_KIND_RTCP, 8, { 0x80, 200, 0, 0 } },
	{ "RTP header of two bytes", RTPE_KIND_OTHER, 2, { 0x80, 0 } },
};

TEST(packet_kinds)
{
	u32 i;

	for (i = 0; i < COUNT(kinds); i++) {
		check_case(kinds[i].name);
		CHECK_EQ(kind_of(kinds[i].data, kinds[i].len), kinds[i].kind);
	}
}

/* Each first byte belongs to one protocol (RFC 7983 section 7). */
TEST(packet_first_byte_ranges)
{
	u8 data[20] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	u32 i;

	for (i = 0; i < 256; i++) {
		u8 expected = i <= 3 ? RTPE_KIND_STUN : i >= 20 && i <= 63 ? RTPE_KIND_DTLS :
			      i >= 128 && i <= 191 ? RTPE_KIND_RTP : RTPE_KIND_OTHER;

		data[0] = (u8)i;
		/* CSRCs or an extension that would not fit make it "other": leave only those that do. */
		if (expected == RTPE_KIND_RTP && 12 + (i & 15) * 4 + (i & 16 ? 4 : 0) > sizeof(data))
			expected = RTPE_KIND_OTHER;
		CHECK_EQ(kind_of(data, sizeof(data)), expected);
	}
}

/* RFC 5761 section 4: 194 to 223 in the second byte, whatever the marker means. */
TEST(packet_second_byte_ranges)
{
	u8 data[12] = { 0x80, 0, 0, 2 };
	u32 i;

	for (i = 0; i < 256; i++) {
		data[1] = (u8)i;
		CHECK_EQ(kind_of(data, sizeof(data)), i >= 194 && i <= 223 ? RTPE_KIND_RTCP : RTPE_KIND_RTP);
	}
}

TEST(packet_shorter_than_a_header)
{
	u8 data[12] = { 0x80, 0 };
	u32 len;

	for (len = 0; len < 12; len++)
		CHECK_EQ(kind_of(data, len), RTPE_KIND_OTHER);
	CHECK_EQ(kind_of(data, 12), RTPE_KIND_RTP);
}

static int header_len(u8 first, u16 words, u32 len)
{
	u8 data[512] = { first };
	u8 *exact = malloc(len);
	struct rtpe_packet p;
	u32 at = 12 + (first & 15u) * 4;
	int result;

	if (first & 0x10) {
		data[at + 2] = (u8)(words >> 8);
		data[at + 3] = (u8)words;
	}
	packet_bytes(&p, exact, data, len);
	rtpe_packet_parse(&p);
	result = p.kind == RTPE_KIND_RTP ? (int)p.header_len : -1;
	free(exact);
	return result;
}

TEST(packet_contributing_sources)
{
	u32 count;

	for (count = 0; count <= 15; count++) {
		u8 first = (u8)(0x80 | count);
		u32 len = 12 + count * 4;

		CHECK_EQ(header_len(first, 0, len), len);
		CHECK_EQ(header_len(first, 0, len + 1), len);
		CHECK_EQ(header_len(first, 0, len - 1), -1);
	}
}

TEST(packet_header_extensions)
{
	static const struct {
		const char *name;
		u8 first;
		u16 words;
		u32 len;
		int header;
	} rows[] = {
		{ "empty extension, no payload", 0x90, 0, 16, 16 },
		{ "no room for its header", 0x90, 0, 15, -1 },
		{ "extension announced, nothing there", 0x90, 0, 12, -1 },
		{ "one word", 0x90, 1, 20, 20 },
		{ "one word, one byte missing", 0x90, 1, 19, -1 },
		{ "ends with the packet", 0x90, 40, 176, 176 },
		{ "one word past the end", 0x90, 41, 176, -1 },
		{ "largest length", 0x90, 0xffff, 176, -1 },
		{ "after 15 sources", 0x9f, 2, 84, 84 },
		{ "after 15 sources, past the end", 0x9f, 2, 83, -1 },
		{ "after 15 sources, no room", 0x9f, 0, 75, -1 },
		{ "padding bit is not looked at", 0xb0, 1, 20, 20 },
	};
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		CHECK_EQ(header_len(rows[i].first, rows[i].words, rows[i].len), rows[i].header);
	}
}

TEST(packet_fields)
{
	u8 data[16] = { 0x80, 0x80 | 96, 0x12, 0x34, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4, 9, 9, 9, 9 };
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;

	packet_bytes(&p, buffer, data, sizeof(data));
	rtpe_packet_parse(&p);
	CHECK_EQ(p.kind, RTPE_KIND_RTP);
	CHECK_EQ(p.payload_type, 96);
	CHECK_EQ(p.seq, 0x1234);
	CHECK_EQ(p.timestamp, 0xdeadbeef);
	CHECK(!memcmp(&p.ssrc, "\1\2\3\4", 4));
	CHECK_EQ(p.header_len, 12);
}

TEST(packet_addresses)
{
	struct rtpe_addr a = address4(0x01020304, 5), b = a, six = address6(1, 5);

	CHECK(rtpe_addr_valid(&a) && rtpe_addr_valid(&six));
	CHECK(rtpe_addr_equal(&a, &b) && !rtpe_addr_equal(&a, &six));
	b.ip[15] = 1;
	CHECK(!rtpe_addr_valid(&b));
	b = a;
	b.port = 0;
	CHECK(!rtpe_addr_valid(&b) && !rtpe_addr_equal(&a, &b));
	b = a;
	b.reserved = 1;
	CHECK(!rtpe_addr_valid(&b));
	b = a;
	b.family = 5;
	CHECK(!rtpe_addr_valid(&b));
	b = six;
	b.ip[15] ^= 1;
	CHECK(!rtpe_addr_equal(&b, &six));
}

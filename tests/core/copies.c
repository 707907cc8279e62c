// SPDX-License-Identifier: GPL-3.0-or-later
/* What lies in the queues of intercepted streams: whole IP packets. */
#include "../../kmod/core/intercept.h"
#include "../../kmod/core/table.h"
#include "check.h"
#include "media.h"

/* The sum over everything, checksum included, is all ones. */
static bool sums_up(const u8 *data, u32 len, u32 sum)
{
	u32 i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (u32)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static u32 pseudo_sum(const u8 *addresses, u32 len, u32 udp_len)
{
	u32 sum = 17 + udp_len, i;

	for (i = 0; i < len; i++)
		sum += i % 2 ? addresses[i] : (u32)addresses[i] << 8;
	return sum;
}

static void check_copy(const struct rtpe_copy *c, const struct rtpe_addr *local, const struct rtpe_packet *p)
{
	bool six = local->family == RTPE_FAMILY_IP6;
	u32 ip = six ? 40 : 20, size = six ? 16 : 4;
	const u8 *addresses = c->data + (six ? 8 : 12), *udp = c->data + ip;

	CHECK_EQ(c->len, ip + 8 + p->len);
	CHECK_EQ(c->data[0], six ? 0x60 : 0x45);
	CHECK_EQ(rtpe_read16(c->data + (six ? 4 : 2)), six ? 8 + p->len : c->len);
	CHECK_EQ(c->data[six ? 6 : 9], 17);
	CHECK(!memcmp(addresses, p->src.ip, size) && !memcmp(addresses + size, local->ip, size));
	CHECK(six || sums_up(c->data, 20, 0));
	CHECK(!memcmp(udp, &p->src.port, 2) && !memcmp(udp + 2, &local->port, 2));
	CHECK_EQ(rtpe_read16(udp + 4), 8 + p->len);
	CHECK(rtpe_read16(udp + 6));
	CHECK(sums_up(udp, 8 + p->len, pseudo_sum(addresses, 2 * size, 8 + p->len)));
	CHECK(!memcmp(udp + 8, p->data, p->len));
}

static struct rtpe_addr some_address(u8 family, u8 salt)
{
	struct rtpe_addr a = { .family = family };
	u32 i;

	for (i = 0; i < (family == RTPE_FAMILY_IP4 ? 4u : 16u); i++)
		a.ip[i] = (u8)(salt * (i + 7) * 31);
	a.port = (u16)(salt * 257 + 1);
	return a;
}

/* Lengths odd and even, and 65536 payloads, among which are those whose sum needs 0xffff for zero. */
TEST(copies_are_whole_ip_packets)
{
	static const u8 families[] = { RTPE_FAMILY_IP4, RTPE_FAMILY_IP6 };
	struct rtpe_stream_queue *q = rtpe_stream_new(&(struct rtpe_queue_ops){ 0 }, 1);
	u8 data[1500];
	struct rtpe_packet p;
	u32 f, n, i, all_ones = 0;

	for (f = 0; f < 2; f++) {
		for (n = 0; n < 65536 + sizeof(data); n++) {
			struct rtpe_addr local = some_address(families[f], (u8)n);
			u32 len = n < 65536 ? 2 : n - 65536;
			struct rtpe_copy *c;

			for (i = 0; i < len; i++)
				data[i] = (u8)(n < 65536 ? n >> 8 * i : n * i);
			media_packet(&p, data, len, 0);
			p.src = some_address(families[f], (u8)(n + 99));
			rtpe_stream_put(q, &local, &p);
			c = rtpe_stream_take(q);
			CHECK(c);
			check_copy(c, &local, &p);
			all_ones += rtpe_read16(c->data + (f ? 46 : 26)) == 0xffff;
			rtpe_free(c);
			media_free(&p);
		}
	}
	CHECK(all_ones >= 2);
	rtpe_stream_unref(q);
}

TEST(copies_largest_packets)
{
	static u8 data[65536];
	static const struct {
		u8 family;
		u32 largest;
	} rows[] = { { RTPE_FAMILY_IP4, 65507 }, { RTPE_FAMILY_IP6, 65487 } };
	struct rtpe_packet p;
	u32 i;

	for (i = 0; i < 2; i++) {
		struct rtpe_stream_queue *q = rtpe_stream_new(&(struct rtpe_queue_ops){ 0 }, 2);
		struct rtpe_addr local = some_address(rows[i].family, 1);
		struct rtpe_copy *c;

		media_packet(&p, data, rows[i].largest + 1, 0);
		p.src = some_address(rows[i].family, 2);
		rtpe_stream_put(q, &local, &p);
		CHECK(!rtpe_stream_waiting(q));
		CHECK_EQ(rtpe_stream_overflows(q), 1);
		p.len--;
		rtpe_stream_put(q, &local, &p);
		c = rtpe_stream_take(q);
		CHECK(c);
		check_copy(c, &local, &p);
		rtpe_free(c);
		media_free(&p);
		rtpe_stream_unref(q);
	}
}

/* Records have whole words, packets need not. */
TEST(copies_of_raw_packets_lose_the_padding_of_their_record)
{
	static const struct {
		const char *name;
		u8 head[6];
		u32 len, kept;
	} rows[] = {
		{ "IPv4", { 0x45, 0, 0, 33 }, 40, 33 }, { "IPv4 in whole words", { 0x45, 0, 0, 40 }, 40, 40 },
		{ "IPv4 that lies", { 0x45, 0, 0, 41 }, 40, 40 }, { "more than padding", { 0x45, 0, 0, 32 }, 40, 40 },
		{ "IPv6", { 0x60, 0, 0, 0, 0, 10 }, 56, 50 }, { "IPv6 that lies", { 0x60, 0, 0, 0, 1, 0 }, 56, 56 },
		{ "no IP", { 0x12, 0, 0, 33, 0, 0 }, 40, 40 }, { "short", { 0x45, 0, 0, 1 }, 8, 8 },
		{ "short IPv6", { 0x60, 0, 0, 0, 0, 0 }, 8, 8 },
	};
	static const struct rtpe_intercept_ops none;
	static const struct rtpe_name name = { "a" };
	struct rtpe_stream stream = { .name = name };
	struct rtpe_stream_queue *q;
	struct rtpe_table t = { 0 };
	u32 s, i;

	CHECK_EQ(rtpe_intercept_init(&t.intercept, &none), 0);
	CHECK_EQ(rtpe_call_add(&t, &name, &stream.call), 0);
	CHECK_EQ(rtpe_stream_add(&t, &stream, &s), 0);
	q = rtpe_stream_get(&t, s);
	for (i = 0; i < COUNT(rows); i++) {
		u8 *exact = calloc(1, rows[i].len);
		struct rtpe_copy *c;

		check_case(rows[i].name);
		memcpy(exact, rows[i].head, 6);
		CHECK_EQ(rtpe_stream_put_raw(&t, s, exact, rows[i].len), 0);
		c = rtpe_stream_take(q);
		CHECK(c);
		CHECK_EQ(c->len, rows[i].kept);
		CHECK(!memcmp(c->data, exact, c->len));
		rtpe_free(c);
		free(exact);
	}
	CHECK_EQ(rtpe_stream_put_raw(&t, s, "", 65544), -EMSGSIZE);
	rtpe_stream_unref(q);
	rtpe_intercept_exit(&t);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* What reaches the peers of a target's outputs, plain and encrypted, alone and in batches. */
#include "../../controlplane/relay/address.h"
#include "../../controlplane/relay/cipher.h"
#include "../../controlplane/relay/transmit.h"
#include "check.h"
#include "support.h"

#include <sys/socket.h>
#include <unistd.h>

#define OUTPUTS 3
#define PACKETS 6
#define PLAIN_LEN 172
#define OTHER_TOS 0xb8

/* A target whose outputs send from one socket, each to a peer of its own. */
struct stage {
	struct bench bench;
	struct rtpe_target *target;
	struct rtpe_socket *from;
	int peers[OUTPUTS];
	struct rtpe_crypto *keys[OUTPUTS];	/* of the peers; NULL: plain */
	u8 *scratch;
	u8 plain[PACKETS][PLAIN_LEN];
	u8 *buffers[PACKETS];
	struct rtpe_packet packets[PACKETS];
};

static int open_peer(struct rtpe_addr *at)
{
	union rtpe_sockaddr sa = { .in4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	CHECK(fd >= 0 && !bind(fd, &sa.any, sizeof(sa.in4)) && !getsockname(fd, &sa.any, &len));
	rtpe_addr_from(at, &sa);
	return fd;
}

static void make_packets(struct stage *s)
{
	u32 i;

	for (i = 0; i < PACKETS; i++) {
		packet_rtp(&s->packets[i], s->buffers[i], (u16)(65533 + i), 1000000 + i);
		s->packets[i].room = RTPE_TRAILER;
		memcpy(s->plain[i], s->packets[i].data, PLAIN_LEN);
		CHECK_EQ(rtpe_forward_packet(s->target, &s->packets[i]), RTPE_FORWARD);
	}
}

/* Bit i of each: output i encrypts; output i has a TOS that its socket has not. */
static void stage_init(struct stage *s, u32 encrypting, u32 with_tos)
{
	struct rtpe_addr local = address4(0x7f000001, 5000), own;
	struct message m;
	u32 i;
	int fd;

	memset(s, 0, sizeof(*s));
	bench_init(&s->bench);
	s->bench.table.ciphers = &rtpe_openssl_ciphers;
	fd = open_peer(&own);
	close(fd);
	CHECK_EQ(rtpe_socket_create(&s->from, &own, 0), 0);
	message_init(&m, &local, OUTPUTS);
	for (i = 0; i < OUTPUTS; i++) {
		s->peers[i] = open_peer(&m.outputs[i].dst);
		m.outputs[i].tos = with_tos >> i & 1 ? OTHER_TOS : 0;
		if (!(encrypting >> i & 1))
			continue;
		m.encrypt[i] = srtp_keys((u8)(1 + i));
		CHECK_EQ(rtpe_crypto_open(&s->keys[i], &rtpe_openssl_ciphers, &m.encrypt[i]), 0);
	}
	s->target = bench_add(&s->bench, &m, false);
	for (i = 0; i < OUTPUTS; i++)
		s->target->outputs[i].host = s->from;
	s->scratch = malloc((size_t)PACKETS * RTPE_BUFFER);
	for (i = 0; i < PACKETS; i++)
		s->buffers[i] = malloc(PLAIN_LEN + RTPE_TRAILER);
	make_packets(s);
}

static void stage_exit(struct stage *s)
{
	u32 i;

	for (i = 0; i < OUTPUTS; i++) {
		s->target->outputs[i].host = &s->bench;
		close(s->peers[i]);
		if (s->keys[i])
			rtpe_crypto_unref(s->keys[i]);
	}
	for (i = 0; i < PACKETS; i++)
		free(s->buffers[i]);
	free(s->scratch);
	bench_exit(&s->bench);
	rtpe_socket_unref(s->from);
}

static void transmit(struct stage *s, bool together)
{
	u32 i;

	if (together) {
		rtpe_transmit_batch(s->target, s->packets, PACKETS, s->scratch);
		return;
	}
	for (i = 0; i < PACKETS; i++)
		rtpe_transmit(s->target, &s->packets[i], s->scratch);
}

/* The next packet at a peer is the one with these bytes, encrypted if that is what its output does. */
static void check_next(const struct stage *s, u32 output, const u8 *plain)
{
	u8 data[PACKET_ROOM];
	ssize_t len = recv(s->peers[output], data, sizeof(data), 0);
	struct rtpe_packet p = { .data = data, .len = (u32)len, .now_us = 1 };

	CHECK(len > 0);
	if (s->keys[output]) {
		CHECK_EQ(len, PLAIN_LEN + 10);
		rtpe_packet_parse(&p);
		CHECK_EQ(rtpe_crypto_unprotect(s->keys[output], &p), 0);
	}
	CHECK_EQ(p.len, PLAIN_LEN);
	CHECK(!memcmp(data, plain, PLAIN_LEN));
}

static void check_silent(const struct stage *s)
{
	u8 byte;
	u32 i;

	for (i = 0; i < OUTPUTS; i++)
		CHECK(recv(s->peers[i], &byte, 1, 0) < 0);
}

static struct rtpe_counters sum_of(const struct stage *s, u32 output)
{
	struct rtpe_counters sum;

	rtpe_counters_fold(s->target->outputs[output].counters, 2, &sum);
	return sum;
}

/* Packet 1 goes nowhere, packet 3 only through the first two outputs, packet 4 only through the last. */
static bool takes(u32 packet, u32 output)
{
	return packet != 1 && (packet != 3 || output < 2) && (packet != 4 || output == 2);
}

static void try_all(u32 encrypting, u32 with_tos, bool together)
{
	struct stage s;
	u32 i, k, n;

	stage_init(&s, encrypting, with_tos);
	s.packets[1].first = s.packets[1].last = 0;
	s.packets[3].last = 2;
	s.packets[4].first = 2;
	transmit(&s, together);
	for (i = 0; i < OUTPUTS; i++) {
		for (n = k = 0; k < PACKETS; k++) {
			if (!takes(k, i))
				continue;
			check_next(&s, i, s.plain[k]);
			n++;
		}
		CHECK_EQ(sum_of(&s, i).packets, n);
		CHECK_EQ(sum_of(&s, i).bytes, n * PLAIN_LEN);
		CHECK_EQ(sum_of(&s, i).errors, 0);
	}
	check_silent(&s);
	stage_exit(&s);
}

TEST(transmit_gives_every_output_the_packet_as_it_came)
{
	u32 encrypting, with_tos;

	for (encrypting = 0; encrypting < 1 << OUTPUTS; encrypting++) {
		for (with_tos = 0; with_tos < 1 << OUTPUTS; with_tos++) {
			try_all(encrypting, with_tos, false);
			try_all(encrypting, with_tos, true);
		}
	}
}

/* What one output refuses is neither sent by it nor missing at the others. */
static void refuse_one(bool together)
{
	struct stage s;
	u32 i, k;

	stage_init(&s, 5, 0);
	s.packets[2].seq = s.packets[1].seq;	/* an index that was sent before */
	memcpy(s.packets[2].data + 2, s.packets[1].data + 2, 2);
	memcpy(s.plain[2], s.packets[2].data, PLAIN_LEN);
	transmit(&s, together);
	for (i = 0; i < OUTPUTS; i++) {
		for (k = 0; k < PACKETS; k++)
			if (k != 2 || i == 1)
				check_next(&s, i, s.plain[k]);
		CHECK_EQ(sum_of(&s, i).packets, i == 1 ? PACKETS : PACKETS - 1);
		CHECK_EQ(sum_of(&s, i).errors, i != 1);
	}
	check_silent(&s);
	stage_exit(&s);
}

TEST(transmit_goes_on_after_a_packet_that_cannot_be_encrypted)
{
	refuse_one(false);
	refuse_one(true);
}

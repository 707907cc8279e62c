/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * protect - what SRTP of the core with OpenSSL costs by itself: no socket, no table.
 *
 *   protect [PACKETS]
 *
 * Prints one JSON object: nanoseconds of processor time for a packet of 172 bytes, by suite and direction.
 */
#include <stdio.h>
#include <time.h>

#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/parse.h"

enum { PACKET = 172, GROWTH = 16, BATCH = 64, ROUNDS = 5 };

static const struct {
	const char *name;
	struct rtpe_srtp keys;
} suites[] = {
	{ "AES_CM_128_HMAC_SHA1_80", { .cipher = RTPE_CIPHER_AES_CM_128, .hmac = RTPE_HMAC_SHA1, .key_len = 16,
				       .salt_len = 14, .rtp_tag_len = 10, .rtcp_tag_len = 10 } },
	{ "AEAD_AES_128_GCM", { .cipher = RTPE_CIPHER_AES_GCM_128, .hmac = RTPE_HMAC_NULL, .key_len = 16,
				.salt_len = 12, .rtp_tag_len = 16, .rtcp_tag_len = 16 } },
};

static u8 buffers[BATCH][PACKET + GROWTH];
static struct rtpe_packet packets[BATCH];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void write_packets(u32 first)
{
	u32 i;

	for (i = 0; i < BATCH; i++) {
		u8 *data = buffers[i];

		memset(data, 0xd5, PACKET);
		data[0] = 0x80;
		data[1] = 8;
		data[2] = (u8)((first + i) >> 8);
		data[3] = (u8)(first + i);
		packets[i] = (struct rtpe_packet){ .data = data, .len = PACKET, .room = GROWTH, .now_us = 1 };
		rtpe_packet_parse(&packets[i]);
	}
}

/* Processor time of `work` on all packets. */
static double measure(int (*work)(struct rtpe_crypto *c, struct rtpe_packet *p), struct rtpe_crypto *c)
{
	double start = now();
	u32 i;

	for (i = 0; i < BATCH; i++)
		if (work(c, &packets[i]))
			exit(1);
	return now() - start;
}

static void least(double *best, double found)
{
	if (!*best || found < *best)
		*best = found;
}

int main(int argc, char **argv)
{
	u32 count = argc > 1 ? (u32)atoi(argv[1]) : 32768, suite, round, at;

	for (suite = 0; suite < sizeof(suites) / sizeof(suites[0]); suite++) {
		double best[2] = { 0 };

		for (round = 0; round < ROUNDS; round++) {
			double spent[2] = { 0 };
			struct rtpe_crypto *here, *there;

			if (rtpe_crypto_open(&here, &rtpe_openssl_ciphers, &suites[suite].keys) ||
			    rtpe_crypto_open(&there, &rtpe_openssl_ciphers, &suites[suite].keys))
				return 1;
			for (at = 0; at < count; at += BATCH) {
				write_packets(at);
				spent[0] += measure(rtpe_crypto_protect, here);
				spent[1] += measure(rtpe_crypto_unprotect, there);
			}
			least(&best[0], spent[0] / at);
			least(&best[1], spent[1] / at);
			rtpe_crypto_unref(here);
			rtpe_crypto_unref(there);
		}
		printf("%s\"%s\": {\"protect\": %.1f, \"unprotect\": %.1f}", suite ? ", " : "{", suites[suite].name,
		       best[0], best[1]);
	}
	puts("}");
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keys.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/parse.h"

static const struct {
	const char *name;
	u8 cipher, hmac, key_len, salt_len, tag_len;
} suites[] = {
	{ "AES_CM_128_HMAC_SHA1_80", RTPE_CIPHER_AES_CM_128, RTPE_HMAC_SHA1, 16, 14, 10 },
	{ "AEAD_AES_128_GCM", RTPE_CIPHER_AES_GCM_128, RTPE_HMAC_NULL, 16, 12, 16 },
};

static void refuse(const char *text)
{
	fprintf(stderr, "not SUITE:HEX: %s\n", text);
	exit(2);
}

static const char *read_hex(const char *from, u8 *to, u32 len)
{
	unsigned int byte;

	for (; len--; from += 2) {
		if (sscanf(from, "%2x", &byte) != 1)
			return "?";
		*to++ = (u8)byte;
	}
	return from;
}

static struct rtpe_srtp parse(const char *text)
{
	struct rtpe_srtp keys = { 0 };
	size_t name;
	u32 i;

	for (i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		name = strlen(suites[i].name);
		if (strncmp(text, suites[i].name, name) || text[name] != ':')
			continue;
		keys.cipher = suites[i].cipher;
		keys.hmac = suites[i].hmac;
		keys.key_len = suites[i].key_len;
		keys.salt_len = suites[i].salt_len;
		keys.rtp_tag_len = keys.rtcp_tag_len = suites[i].tag_len;
		if (*read_hex(read_hex(text + name + 1, keys.key, keys.key_len), keys.salt, keys.salt_len))
			break;
		return keys;
	}
	refuse(text);
	return keys;
}

struct rtpe_crypto *keys_open(const char *text, uint32_t ssrc, uint64_t next)
{
	struct rtpe_srtp_state before = { .ssrc = htonl(ssrc), .valid = 1, .rtp.top = next };
	struct rtpe_crypto *c;
	struct rtpe_srtp keys;

	if (!strcmp(text, "-"))
		return NULL;
	keys = parse(text);
	if (rtpe_crypto_open(&c, &rtpe_openssl_ciphers, &keys))
		refuse(text);
	rtpe_crypto_seed(c, &before);
	return c;
}

static bool apply(int (*work)(struct rtpe_crypto *c, struct rtpe_packet *p), struct rtpe_crypto *keys, uint8_t *packet,
		  uint32_t *len)
{
	struct rtpe_packet p = { .data = packet, .len = *len, .room = KEYS_GROWTH, .now_us = 1 };

	if (!keys)
		return true;
	rtpe_packet_parse(&p);
	if (work(keys, &p))
		return false;
	*len = p.len;
	return true;
}

bool keys_protect(struct rtpe_crypto *keys, uint8_t *packet, uint32_t *len)
{
	return apply(rtpe_crypto_protect, keys, packet, len);
}

bool keys_unprotect(struct rtpe_crypto *keys, uint8_t *packet, uint32_t *len)
{
	return apply(rtpe_crypto_unprotect, keys, packet, len);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "binding.h"

enum { HEADER = 20, INTEGRITY = 20 };
enum { USERNAME = 0x0006, MESSAGE_INTEGRITY = 0x0008, XOR_MAPPED_ADDRESS = 0x0020, PRIORITY = 0x0024,
       USE_CANDIDATE = 0x0025, FINGERPRINT = 0x8028, ICE_CONTROLLING = 0x802a };

static const uint8_t cookie[4] = { 0x21, 0x12, 0xa4, 0x42 };

static void put16(uint8_t *p, unsigned value)
{
	p[0] = value >> 8;
	p[1] = value;
}

static void put32(uint8_t *p, uint32_t value)
{
	value = htonl(value);
	memcpy(p, &value, 4);
}

static size_t begin(uint8_t *message, enum binding type, const void *transaction)
{
	put16(message, type);
	memcpy(message + 4, cookie, sizeof(cookie));
	memcpy(message + 8, transaction, 12);
	return HEADER;
}

static size_t add(uint8_t *message, size_t at, unsigned type, const void *value, size_t size)
{
	put16(message + at, type);
	put16(message + at + 2, size);
	memset(message + at + 4, 0, (size + 3) & ~3u);
	if (size)
		memcpy(message + at + 4, value, size);
	return at + 4 + ((size + 3) & ~3u);
}

static uint32_t crc32(const uint8_t *data, size_t size)
{
	uint32_t sum = ~0u;

	for (size_t i = 0; i < size; i++) {
		sum ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (0xedb88320u & -(sum & 1));
	}
	return ~sum;
}

/* Each of the two covers the length as if the message ended with it. */
static size_t finish(uint8_t *message, size_t at, const char *password)
{
	uint8_t mac[EVP_MAX_MD_SIZE], sum[4];

	put16(message + 2, at + 4 + INTEGRITY - HEADER);
	HMAC(EVP_sha1(), password, strlen(password), message, at, mac, NULL);
	at = add(message, at, MESSAGE_INTEGRITY, mac, INTEGRITY);
	put16(message + 2, at + 8 - HEADER);
	put32(sum, crc32(message, at) ^ 0x5354554eu);
	return add(message, at, FINGERPRINT, sum, sizeof(sum));
}

size_t binding_request(uint8_t *message, uint64_t number, const char *user, const char *peer_password)
{
	uint8_t transaction[12] = { 'b', 'e', 'n', 'c' }, tie_breaker[8] = { 1 }, priority[4];
	size_t at;

	memcpy(transaction + 4, &number, sizeof(number));
	put32(priority, 110u << 24 | 0xffff << 8 | 255);
	at = begin(message, BINDING_REQUEST, transaction);
	at = add(message, at, USERNAME, user, strlen(user));
	at = add(message, at, ICE_CONTROLLING, tie_breaker, sizeof(tie_breaker));
	at = add(message, at, PRIORITY, priority, sizeof(priority));
	at = add(message, at, USE_CANDIDATE, NULL, 0);
	return finish(message, at, peer_password);
}

size_t binding_success(uint8_t *message, const uint8_t *request, const struct sockaddr_in *from, const char *password)
{
	uint8_t mapped[8] = { 0, 1 };
	size_t at = begin(message, BINDING_SUCCESS, request + 8);

	memcpy(mapped + 2, &from->sin_port, 2);
	memcpy(mapped + 4, &from->sin_addr, 4);
	for (int i = 0; i < 6; i++)
		mapped[2 + i] ^= cookie[i < 2 ? i : i - 2];
	return finish(message, add(message, at, XOR_MAPPED_ADDRESS, mapped, sizeof(mapped)), password);
}

bool binding_is(const uint8_t *packet, size_t size, enum binding type)
{
	return size >= HEADER && packet[0] == type >> 8 && packet[1] == (type & 0xff) && !memcmp(packet + 4, cookie, 4);
}

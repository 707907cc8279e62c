/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The STUN messages of an ICE agent that has one candidate and controls (RFC 8489, 8445). */
#ifndef RTPE_BENCH_BINDING_H
#define RTPE_BENCH_BINDING_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BINDING_ROOM = 256 };	/* bytes, the longest message that is written */
enum binding { BINDING_REQUEST = 0x0001, BINDING_SUCCESS = 0x0101 };

/* A request that nominates, for the user name "peer:own". Returns its size. */
size_t binding_request(uint8_t *message, uint64_t number, const char *user, const char *peer_password);

/* The answer to a request from this address. */
size_t binding_success(uint8_t *message, const uint8_t *request, const struct sockaddr_in *from, const char *password);

/* True if the packet is a message of this type. */
bool binding_is(const uint8_t *packet, size_t size, enum binding type);

#endif

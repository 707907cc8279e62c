/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SRTP at the ends of a flow. */
#ifndef RTPE_BENCH_KEYS_H
#define RTPE_BENCH_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct rtpe_crypto;

enum { KEYS_GROWTH = 16 };	/* bytes that a packet may grow by */

/* "-": none, NULL. SUITE:HEX: master key and salt; goes on behind packet index `next` - 1. Ends the program on errors. */
struct rtpe_crypto *keys_open(const char *text, uint32_t ssrc, uint64_t next);

/* In place; `len` may become more, or less. Without keys nothing happens. */
bool keys_protect(struct rtpe_crypto *keys, uint8_t *packet, uint32_t *len);
bool keys_unprotect(struct rtpe_crypto *keys, uint8_t *packet, uint32_t *len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The seam for SRTP: what a host must offer before a target may ask for ciphers.
 *
 * A table whose host offers nothing refuses every target with keys
 * (EOPNOTSUPP): media are never sent in the clear in place of encrypted.
 */
#ifndef RTPE_CORE_CRYPTO_H
#define RTPE_CORE_CRYPTO_H

#include "packet.h"

struct rtpe_crypto;

struct rtpe_crypto_ops {
	/* Expands the keys once; *out is then used by packets on any CPU. May sleep. */
	int (*setup)(struct rtpe_crypto **out, const struct rtpe_srtp *params);
	void (*destroy)(struct rtpe_crypto *c);
	/*
	 * In place, RTP and RTCP by p->kind. unprotect authenticates before it changes
	 * any state and shortens p->len; protect lengthens it, by p->room at most.
	 */
	int (*unprotect)(struct rtpe_crypto *c, struct rtpe_packet *p);
	int (*protect)(struct rtpe_crypto *c, struct rtpe_packet *p);
};

/* No keys: plain RTP. */
static inline bool rtpe_srtp_is_plain(const struct rtpe_srtp *s)
{
	return s->cipher == RTPE_CIPHER_NONE && s->hmac == RTPE_HMAC_NONE;
}

#endif

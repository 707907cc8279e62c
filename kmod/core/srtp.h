/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protecting and unprotecting RTP (RFC 3711 section 3, RFC 7714 section 8). */
#ifndef RTPE_CORE_SRTP_H
#define RTPE_CORE_SRTP_H

#include "session.h"
#include "source.h"

struct rtpe_crypto {
	rtpe_ref_t refs;
	struct rtpe_srtp params;
	struct rtpe_session rtp, rtcp;
	struct rtpe_sources sources;
};

/* As rtpe_crypto_unprotect() and _protect(), for RTPE_KIND_RTP. */
int rtpe_srtp_unprotect(struct rtpe_crypto *c, struct rtpe_packet *p);
int rtpe_srtp_protect(struct rtpe_crypto *c, struct rtpe_packet *p);

/* The index of a sequence number, the nearest to those before; `top` is one more than the highest, or 0. */
u64 rtpe_srtp_guess(u64 top, u16 seq);

#endif

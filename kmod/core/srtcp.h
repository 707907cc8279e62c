/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Protecting and unprotecting RTCP (RFC 3711 section 3.4, RFC 7714 section 9). */
#ifndef RTPE_CORE_SRTCP_H
#define RTPE_CORE_SRTCP_H

#include "srtp.h"

#define RTPE_SRTCP_WORD_LEN 4	/* E flag and index */

/* As rtpe_crypto_unprotect() and _protect(), for RTPE_KIND_RTCP. */
int rtpe_srtcp_unprotect(struct rtpe_crypto *c, struct rtpe_packet *p);
int rtpe_srtcp_protect(struct rtpe_crypto *c, struct rtpe_packet *p);

#endif

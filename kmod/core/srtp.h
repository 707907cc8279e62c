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
	bool mirrors;			/* what it protects came under the same keys, see rtpe_crypto_mirror() */
};

static inline void rtpe_crypto_append_mki(const struct rtpe_crypto *c, u8 *to)
{
	if (unlikely(c->params.mki_len))
		memcpy(to, c->params.mki, c->params.mki_len);
}

/* As rtpe_crypto_unprotect() and _protect(), for RTPE_KIND_RTP. */
int rtpe_srtp_unprotect(struct rtpe_crypto *c, struct rtpe_packet *p);
int rtpe_srtp_protect(struct rtpe_crypto *c, struct rtpe_packet *p);

/*
 * The index of a sequence number (RFC 3711 section 3.3.1 and appendix A): the
 * nearest to those before. `top` is one more than the highest, or 0.
 */
static inline u64 rtpe_srtp_guess(u64 top, u16 seq)
{
	u64 roc = top ? (top - 1) >> 16 : 0;
	u16 last = (u16)(top - 1);

	if (!top)
		return seq;
	if (last < 0x8000 && seq - last > 0x8000 && roc)
		roc--;
	else if (last >= 0x8000 && last - 0x8000 > seq)
		roc++;
	return roc << 16 | seq;
}

#endif

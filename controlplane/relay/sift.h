/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which packets for ICE and DTLS are let up to the sessions: a flood of forged ones, be it under the party's address,
 * must not keep the party's own from getting there.
 *
 * What proves by itself that it is from somebody who knows the session goes ahead of the rest: STUN by its
 * MESSAGE-INTEGRITY, a ClientHello by our cookie, a Certificate by its fingerprint. Of each sort so many a second are
 * let up, counted by the address of the source. Behind a proof there is room for the rest of the handshake, of which
 * nothing proves anything.
 */
#ifndef RTPE_RELAY_SIFT_H
#define RTPE_RELAY_SIFT_H

#include "../../kmod/core/packet.h"
#include "credit.h"
#include "relay.h"

enum rtpe_worth {
	RTPE_WORTH_PROVEN,
	RTPE_WORTH_HELLO,	/* a ClientHello without our cookie, which costs most */
	RTPE_WORTH_OTHER,
	RTPE_WORTHS,
	RTPE_WORTH_NOTHING = RTPE_WORTHS,
};

struct rtpe_sift;

int rtpe_sift_new(struct rtpe_sift **out, const struct rtpe_expected *e);

/* At once, and once no packet thread can see it any more. NULL is fine. */
void rtpe_sift_free(struct rtpe_sift *s);
void rtpe_sift_retire(struct rtpe_sift *s);

enum rtpe_worth rtpe_sift_judge(const struct rtpe_sift *s, const struct rtpe_packet *p);

/* True: p may go up now, and is paid for. The socket's worker alone. */
bool rtpe_sift_admits(struct rtpe_sift *s, const struct rtpe_packet *p);

#endif

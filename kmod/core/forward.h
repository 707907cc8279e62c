/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a packet: from its target to the outputs it leaves through. */
#ifndef RTPE_CORE_FORWARD_H
#define RTPE_CORE_FORWARD_H

#include "packet.h"
#include "rewrite.h"
#include "target.h"

enum rtpe_verdict {
	RTPE_PASS,	/* not for the outputs: up to user space */
	RTPE_DROP,	/* consumed */
	RTPE_FORWARD,	/* consumed: send through outputs p->first to p->last - 1 */
};

/*
 * Decides, decrypts in place, counts and intercepts. Takes p as the host filled it.
 * In an engine that learns sources itself (table->terminal), LEARN does not pass;
 * elsewhere it does.
 */
enum rtpe_verdict rtpe_forward_packet(const struct rtpe_target *t, struct rtpe_packet *p);

/*
 * Makes of p what leaves through o, in place: if rtpe_output_changes(o), p and its
 * data must be this output's own copy. RTPE_SEND; RTPE_LEAVE_OUT, or a negative
 * errno, mean it must not be sent. Hand the result to rtpe_forward_sent().
 */
static inline int rtpe_forward_output(const struct rtpe_output *o, struct rtpe_packet *p)
{
	int result = RTPE_SEND;

	if (o->rewrite)
		result = rtpe_rewrite_packet(o->rewrite, p);
	p->plain_len = p->len;
	if (o->encrypt && result == RTPE_SEND)
		result = rtpe_crypto_protect(o->encrypt, p);
	return result;
}

/* As it would be decided for p at this moment; nothing is counted or changed but p. */
enum rtpe_verdict rtpe_forward_judge(const struct rtpe_target *t, struct rtpe_packet *p);

/* Counts a packet that is left to user space without rtpe_forward_packet() having decided so. */
void rtpe_forward_pass(const struct rtpe_target *t, const struct rtpe_packet *p);

/* True: p is for ICE or DTLS in user space, passed up whatever else it may be, and never counted as received. */
static __always_inline bool rtpe_forward_is_signalling(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	return (p->kind == RTPE_KIND_STUN && t->flags & RTPE_TARGET_STUN) ||
	       (p->kind == RTPE_KIND_DTLS && t->flags & RTPE_TARGET_DTLS);
}

void rtpe_forward_unsent(const struct rtpe_target *t, const struct rtpe_output *o, int result);

/* After an attempt to send p: RTPE_SEND if it was sent, else why not. */
static inline void rtpe_forward_sent(const struct rtpe_target *t, const struct rtpe_output *o,
				     const struct rtpe_packet *p, int result)
{
	if (likely(result == RTPE_SEND))
		rtpe_counters_add(rtpe_counters_mine(o->counters), p->plain_len, p->now_us);
	else
		rtpe_forward_unsent(t, o, result);
}

#endif

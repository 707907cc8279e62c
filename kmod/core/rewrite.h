/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an output changes in the packets it sends. */
#ifndef RTPE_CORE_REWRITE_H
#define RTPE_CORE_REWRITE_H

#include "packet.h"

struct rtpe_rewrite;

/* The parts of an ADD_TARGET message for one output; all may be missing. */
struct rtpe_rewrite_parts {
	const struct rtpe_ssrc_map *maps;
	const struct rtpe_rule *rules;
	const struct rtpe_extensions *extensions;	/* NULL: all may leave */
	const struct rtpe_mid *mid;			/* NULL: none is put in */
	u32 num_maps, num_rules;
	bool strip_feedback;
};

/* EINVAL, ERANGE as uapi/rtpengine.h says. */
int rtpe_rewrite_check(const struct rtpe_rewrite_parts *parts);

/* *out is NULL if nothing is to be changed. ENOMEM. */
int rtpe_rewrite_create(struct rtpe_rewrite **out, const struct rtpe_rewrite_parts *parts);
void rtpe_rewrite_destroy(struct rtpe_rewrite *w);

/* Bytes that a packet may grow by. */
u32 rtpe_rewrite_growth(const struct rtpe_rewrite *w);

enum rtpe_rewritten {
	RTPE_SEND,
	RTPE_LEAVE_OUT,		/* by a rule, or nothing is left to send */
};

/*
 * In place: p, parsed, must be this output's own copy; its parsed fields follow.
 * Takes RTPE_KIND_RTP and _RTCP; anything else goes as it is. One of rtpe_rewritten, or
 *   -EMSGSIZE p would grow by more than p->room
 *   -EBADMSG  RTCP that is not whole packets to its end, and so cannot be rewritten
 */
int rtpe_rewrite_packet(const struct rtpe_rewrite *w, struct rtpe_packet *p);

#endif

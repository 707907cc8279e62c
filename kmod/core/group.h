/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which media section of a bundle a packet belongs to (RFC 9143 section 9.2). */
#ifndef RTPE_CORE_GROUP_H
#define RTPE_CORE_GROUP_H

#include "packet.h"

struct rtpe_groups;

/* EINVAL: ranges outside num_outputs, MIDs that come twice or are not zero behind their length. ERANGE: too many. */
int rtpe_groups_check(const struct rtpe_group *groups, u32 count, u32 num_outputs, u8 mid_id);

/* *out is NULL if there are none. ENOMEM. */
int rtpe_groups_create(struct rtpe_groups **out, const struct rtpe_group *groups, u32 count, u8 mid_id);
void rtpe_groups_destroy(struct rtpe_groups *g);

/* While it is set up: RTCP of a source whose MID is not known follows the payload type that it sent last. */
void rtpe_groups_payload_type(struct rtpe_groups *g, u8 number, u8 group);

/*
 * Sets p->first and p->last. `source` is the tracker of p's SSRC (RTP, else NULL)
 * and remembers what its MID named; `trackers` are all of the target's, where RTCP
 * looks up its SSRC; pt_group is the group of p's payload type, 0 if unknown.
 */
void rtpe_groups_choose(const struct rtpe_groups *g, const struct rtpe_ssrc *trackers, struct rtpe_ssrc *source,
			struct rtpe_packet *p, u8 pt_group);

#endif

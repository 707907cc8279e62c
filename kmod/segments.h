/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams that were coalesced on their way in (UDP GRO, also as a list) or never taken apart (UDP GSO of a guest). */
#ifndef RTPE_SEGMENTS_H
#define RTPE_SEGMENTS_H

#include "receive.h"

/*
 * Takes skb apart and forwards each datagram by itself, in their order. If one of
 * them would be passed to user space they all are, as they came: NF_ACCEPT.
 */
unsigned int rtpe_receive_segments(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb,
				   struct net *net);

#endif

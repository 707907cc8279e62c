/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last part of a datagram's way: past netfilter to the neighbour. */
#ifndef RTPE_LEAVE_H
#define RTPE_LEAVE_H

#include <linux/skbuff.h>
#include "route.h"

/*
 * Sends a datagram of this host: skb->data is its IP header, skb_dst()
 * is r->dst. Takes skb over; results as of
 * dst_output(). Inside rcu_read_lock(), with bottom halves off.
 */
int rtpe_leave_ip4(struct sk_buff *skb, const struct rtpe_route *r, struct net *net);
int rtpe_leave_ip6(struct sk_buff *skb, const struct rtpe_route *r, struct net *net);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the input hook to the forwarding core. */
#ifndef RTPE_RECEIVE_H
#define RTPE_RECEIVE_H

#include <linux/netfilter.h>
#include <linux/skbuff.h>
#include "core/packet.h"
#include "tables.h"

/* A datagram as it came in. */
struct rtpe_arrival {
	struct rtpe_packet packet;
	u32 payload;		/* offset of the UDP payload from skb->data */
	u8 ttl;			/* or hop limit */
};

/*
 * What is to become of a packet whose skb->data is the IP header: NF_ACCEPT (not
 * ours: goes on as if we were not there), NF_DROP or NF_STOLEN. IP has checked its
 * header. Inside rcu_read_lock().
 */
unsigned int rtpe_receive_ip4(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net);
unsigned int rtpe_receive_ip6(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net);

/*
 * The same at a device's ingress hook, where nothing has been checked yet: skb->data
 * is where the IP header should be. skb is not shared.
 */
unsigned int rtpe_receive_early_ip4(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net);
unsigned int rtpe_receive_early_ip6(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net);

/* For a linear datagram of t, all of which but the payload's place has been found out; bottom halves off. */
unsigned int rtpe_receive_datagram(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb,
				   struct net *net);

static inline void rtpe_arrival_locate(struct rtpe_arrival *a, const struct sk_buff *skb)
{
	a->packet.data = skb->data + a->payload;
	a->packet.len = skb->len - a->payload;
	a->packet.room = 0;
}

#endif

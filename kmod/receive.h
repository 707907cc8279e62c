/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the input hook to the forwarding core. */
#ifndef RTPE_RECEIVE_H
#define RTPE_RECEIVE_H

#include <linux/netfilter.h>
#include "core/packet.h"
#include "tables.h"

/* A datagram as it came in. */
struct rtpe_arrival {
	struct rtpe_packet packet;
	u32 payload;		/* offset of the UDP payload from skb->data */
	u8 ttl;			/* or hop limit */
	bool from_self;		/* sent by this host to itself */
};

/*
 * What is to become of a packet at LOCAL_IN whose skb->data is the IP header:
 * NF_ACCEPT (not ours: goes on as if we were not there), NF_DROP or NF_STOLEN.
 * Inside rcu_read_lock().
 */
unsigned int rtpe_receive(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net, u8 family);

#endif

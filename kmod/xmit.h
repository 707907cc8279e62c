/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the forwarding core to the network. */
#ifndef RTPE_XMIT_H
#define RTPE_XMIT_H

#include "core/target.h"
#include "receive.h"

/*
 * Sends the datagram through the outputs that a->packet names, counting each.
 * Returns NF_STOLEN if the skb itself was sent (or freed), else NF_DROP. Inside
 * rcu_read_lock(), with bottom halves off.
 */
unsigned int rtpe_xmit(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb, struct net *net);

#endif

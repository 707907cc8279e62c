// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include "compat.h"
#include "core/forward.h"
#include "segments.h"

/* What the stack's own receivers ask for: no sums are made that nobody looks at. */
#define FEATURES (NETIF_F_SG | NETIF_F_IP_CSUM | NETIF_F_IPV6_CSUM)

/*
 * The datagrams as a list, the original untouched. NULL: cannot be. Those that were
 * coalesced as a list of whole skbs (SKB_GSO_FRAGLIST) stay with the stack: their
 * segments belong to the original as well, and who changes one changes both.
 */
static struct sk_buff *take_apart(struct sk_buff *skb)
{
	unsigned int type = skb_shinfo(skb)->gso_type;
	struct sk_buff *all, *segments;

	if (!(type & SKB_GSO_UDP_L4) || type & SKB_GSO_FRAGLIST || !skb_mac_header_was_set(skb))
		return NULL;
	all = skb_clone(skb, GFP_ATOMIC);
	if (!all)
		return NULL;
	__skb_push(all, skb->data - skb_mac_header(skb));
	segments = __skb_gso_segment(all, FEATURES, false);
	if (segments != all)
		kfree_skb(all);
	return IS_ERR(segments) ? NULL : segments;
}

/* At its IP header again, and linear. What somebody else holds as well must not be changed. */
static int set_straight(struct sk_buff *skb)
{
	if (skb_shared(skb))
		return -EBUSY;
	__skb_pull(skb, skb_network_offset(skb));
	return skb_linearize(skb);
}

/* Whether each of the datagrams is for the outputs, or to be dropped. */
static bool all_ours(const struct rtpe_target *t, const struct rtpe_arrival *a, struct sk_buff *segments)
{
	struct sk_buff *skb;

	for (skb = segments; skb; skb = skb->next) {
		struct rtpe_arrival one = *a;

		if (set_straight(skb))
			return false;
		rtpe_arrival_locate(&one, skb);
		if (rtpe_forward_judge(t, &one.packet) == RTPE_PASS)
			return false;
	}
	return true;
}

unsigned int rtpe_receive_segments(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb,
				   struct net *net)
{
	struct sk_buff *segments = take_apart(skb), *segment, *next;

	if (!segments)
		return NF_ACCEPT;
	if (!all_ours(t, a, segments)) {
		for (segment = segments; segment; segment = segment->next)
			rtpe_forward_pass(t, &a->packet);
		kfree_skb_list(segments);
		return NF_ACCEPT;
	}
	skb_list_walk_safe(segments, segment, next) {
		struct rtpe_arrival one = *a;

		skb_mark_not_on_list(segment);
		if (rtpe_receive_datagram(t, &one, segment, net) != NF_STOLEN)
			kfree_skb(segment);
	}
	return NF_DROP;
}

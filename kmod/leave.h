/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last part of a datagram's way: past netfilter to the neighbour.
 *
 * ip_local_out() and what follows it, with the questions left out whose answer the
 * route has given already (rtpe_route.plain). Netfilter is asked at both of its
 * hooks, queueing disciplines, filters and taps of the device lie behind
 * dev_queue_xmit(). Whenever a packet turns out to need more, a larger MTU, a
 * neighbour yet to be found, another route that a hook gave it, it goes on in the
 * kernel's own output function. For xmit.c alone, which saves the call.
 */
#ifndef RTPE_LEAVE_H
#define RTPE_LEAVE_H

#include <linux/netfilter.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include "compat.h"
#include "route.h"

/*
 * True: the packet goes on here. Else it has been taken, with the result *ret: a hook
 * that keeps it, to give it back later, does so to the route's output function. That is
 * the kernel's, so nothing waits for code that may be unloaded meanwhile. It also gets
 * what a hook found another route for.
 */
static __always_inline bool rtpe_leave_ask(struct nf_hook_entries __rcu *const *hooks, u8 family, unsigned int hook,
					   struct sk_buff *skb, struct dst_entry *dst, struct net *net,
					   int *ret)
{
	const struct nf_hook_entries *e = rcu_dereference(hooks[hook]);
	struct nf_hook_state state RTPE_UNINIT;

	if (!e)
		return true;
	nf_hook_state_init(&state, hook, family, NULL, dst->dev, NULL, net, dst->output);
	*ret = nf_hook_slow(skb, &state, e, 0);
	if (unlikely(*ret != 1))
		return false;
	if (likely(skb_dst(skb) == dst))
		return true;
	*ret = dst_output(net, NULL, skb);
	return false;
}

/* The neighbour's link header is known and it has answered lately. */
static __always_inline bool rtpe_neighbour_reachable(const struct neighbour *n)
{
	return n && READ_ONCE(n->nud_state) & NUD_CONNECTED && READ_ONCE(n->hh.hh_len);
}

static __always_inline int rtpe_leave_to(struct sk_buff *skb, const struct neighbour *n, struct net_device *dev)
{
	skb->dev = dev;
	return neigh_hh_output(&n->hh, skb);
}

/* Whether a packet of that size leaves in one piece; false also if that is not plain to see. */
static __always_inline bool rtpe_leave_fits_ip4(const struct rtable *rt, u32 len)
{
	return !rt->rt_pmtu && !rt->rt_mtu_locked && len <= READ_ONCE(rt->dst.dev->mtu);
}

static __always_inline const struct neighbour *rtpe_neighbour_ip4(const struct rtable *rt, __be32 daddr)
{
	if (rt->rt_gw_family == AF_INET)
		daddr = rt->rt_gw4;
	else if (unlikely(rt->rt_gw_family))
		return NULL;
	return __ipv4_neigh_lookup_noref(rt->dst.dev, (__force u32)daddr);
}

/*
 * True: no IP header can say how long it is, and so it has been freed. Asked only where
 * a packet may be as long: whatever fits a plain way in one piece is not.
 */
static inline bool rtpe_leave_too_long(struct sk_buff *skb, u32 max)
{
	if (likely(skb->len <= max))
		return false;
	kfree_skb(skb);
	return true;
}

/*
 * Sends a datagram of this host: skb->data is its IP header, skb_dst() is r->dst.
 * Takes skb over; results as of dst_output(). Inside rcu_read_lock(), with bottom
 * halves off.
 */
static __always_inline int rtpe_leave_ip4(struct sk_buff *skb, const struct rtpe_route *r, struct net *net)
{
	struct dst_entry *dst = r->dst;
	const struct rtable *rt = container_of(dst, struct rtable, dst);
	const struct neighbour *n;
	int ret;

	if (unlikely(!r->plain))
		return rtpe_leave_too_long(skb, IP_MAX_MTU) ? -EMSGSIZE : ip_local_out(net, NULL, skb);
	if (!rtpe_leave_ask(net->nf.hooks_ipv4, NFPROTO_IPV4, NF_INET_LOCAL_OUT, skb, dst, net, &ret))
		return ret;
	IPCB(skb)->flags |= IPSKB_REROUTED;	/* asked: the output function does not again */
	if (!rtpe_leave_ask(net->nf.hooks_ipv4, NFPROTO_IPV4, NF_INET_POST_ROUTING, skb, dst, net, &ret))
		return ret;
	n = rtpe_neighbour_ip4(rt, ip_hdr(skb)->daddr);
	if (unlikely(!rtpe_leave_fits_ip4(rt, skb->len) || !rtpe_neighbour_reachable(n)))
		return rtpe_leave_too_long(skb, IP_MAX_MTU) ? -EMSGSIZE : dst_output(net, NULL, skb);
	rtpe_count_ip4_out(net, skb->len);
	return rtpe_leave_to(skb, n, dst->dev);
}

#if IS_ENABLED(CONFIG_IPV6)
static __always_inline bool rtpe_leave_fits_ip6(const struct inet6_dev *idev, u32 len)
{
	return idev && !READ_ONCE(idev->cnf.disable_ipv6) && len <= READ_ONCE(idev->cnf.mtu6);
}

static __always_inline int rtpe_leave_ip6(struct sk_buff *skb, const struct rtpe_route *r, struct net *net)
{
	struct dst_entry *dst = r->dst;
	const struct neighbour *n;
	struct inet6_dev *idev;
	int ret;

	if (unlikely(!r->plain))
		return rtpe_leave_too_long(skb, IP6_MAX_MTU) ? -EMSGSIZE : ip6_local_out(net, NULL, skb);
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
	if (!rtpe_leave_ask(net->nf.hooks_ipv6, NFPROTO_IPV6, NF_INET_LOCAL_OUT, skb, dst, net, &ret))
		return ret;
	IP6CB(skb)->flags |= IP6SKB_REROUTED;
	if (!rtpe_leave_ask(net->nf.hooks_ipv6, NFPROTO_IPV6, NF_INET_POST_ROUTING, skb, dst, net, &ret))
		return ret;
	idev = __in6_dev_get(dst->dev);
	n = __ipv6_neigh_lookup_noref(dst->dev, rt6_nexthop(container_of(dst, const struct rt6_info, dst),
							     &ipv6_hdr(skb)->daddr));
	if (unlikely(!rtpe_leave_fits_ip6(idev, skb->len) || !rtpe_neighbour_reachable(n)))
		return rtpe_leave_too_long(skb, IP6_MAX_MTU) ? -EMSGSIZE : dst_output(net, NULL, skb);
	__IP6_UPD_PO_STATS(net, idev, IPSTATS_MIB_OUT, skb->len);
	return rtpe_leave_to(skb, n, dst->dev);
}
#else
static __always_inline int rtpe_leave_ip6(struct sk_buff *skb, const struct rtpe_route *r, struct net *net)
{
	kfree_skb(skb);
	return -EAFNOSUPPORT;
}
#endif

#endif

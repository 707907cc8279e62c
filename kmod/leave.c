// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ip_local_out() and what follows it, with the questions left out whose answer the
 * route has given already (rtpe_route.plain). Netfilter is asked at both of its
 * hooks, queueing disciplines, filters and taps of the device lie behind
 * dev_queue_xmit(). Whenever a packet turns out to need more, a larger MTU, a
 * neighbour yet to be found, another route that a hook gave it, it goes on in the
 * kernel's own output function.
 */
#include <linux/netfilter.h>
#include <net/arp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/ndisc.h>
#include <net/neighbour.h>
#include "compat.h"
#include "leave.h"

/*
 * 1: the packet goes on here. Else it has been taken: a hook that keeps it, to
 * give it back later, does so to the route's output function. That is the
 * kernel's, so nothing waits for code that may be unloaded meanwhile.
 */
static __always_inline int ask(struct nf_hook_entries __rcu *const *hooks, u8 family, unsigned int hook,
			       struct sk_buff *skb, struct dst_entry *dst, struct net *net)
{
	const struct nf_hook_entries *e = rcu_dereference(hooks[hook]);
	struct nf_hook_state state RTPE_UNINIT;

	if (!e)
		return 1;
	nf_hook_state_init(&state, hook, family, NULL, dst->dev, NULL, net, dst->output);
	return nf_hook_slow(skb, &state, e, 0);
}

/* The neighbour's link header is known and it has answered lately. */
static inline bool reachable(const struct neighbour *n)
{
	return n && READ_ONCE(n->nud_state) & NUD_CONNECTED && READ_ONCE(n->hh.hh_len);
}

static inline int to_neighbour(struct sk_buff *skb, const struct neighbour *n, struct net_device *dev)
{
	skb->dev = dev;
	return neigh_hh_output(&n->hh, skb);
}

/* Whether a packet of that size leaves in one piece; false also if that is not plain to see. */
static inline bool fits_ip4(const struct rtable *rt, u32 len)
{
	return !rt->rt_pmtu && !rt->rt_mtu_locked && len <= READ_ONCE(rt->dst.dev->mtu);
}

static inline const struct neighbour *neighbour_ip4(const struct rtable *rt, __be32 daddr)
{
	if (rt->rt_gw_family == AF_INET)
		daddr = rt->rt_gw4;
	else if (unlikely(rt->rt_gw_family))
		return NULL;
	return __ipv4_neigh_lookup_noref(rt->dst.dev, (__force u32)daddr);
}

int rtpe_leave_ip4(struct sk_buff *skb, const struct rtpe_route *r, struct net *net)
{
	struct dst_entry *dst = r->dst;
	const struct rtable *rt = container_of(dst, struct rtable, dst);
	const struct neighbour *n;
	int ret;

	if (unlikely(!r->plain))
		return ip_local_out(net, NULL, skb);
	ret = ask(net->nf.hooks_ipv4, NFPROTO_IPV4, NF_INET_LOCAL_OUT, skb, dst, net);
	if (ret != 1)
		return ret;
	if (unlikely(skb_dst(skb) != dst))
		return dst_output(net, NULL, skb);
	IPCB(skb)->flags |= IPSKB_REROUTED;	/* asked: the output function does not again */
	ret = ask(net->nf.hooks_ipv4, NFPROTO_IPV4, NF_INET_POST_ROUTING, skb, dst, net);
	if (ret != 1)
		return ret;
	n = neighbour_ip4(rt, ip_hdr(skb)->daddr);
	if (unlikely(skb_dst(skb) != dst || !fits_ip4(rt, skb->len) || !reachable(n)))
		return dst_output(net, NULL, skb);
	rtpe_count_ip4_out(net, skb->len);
	return to_neighbour(skb, n, dst->dev);
}

#if IS_ENABLED(CONFIG_IPV6)
static inline bool fits_ip6(const struct inet6_dev *idev, u32 len)
{
	return idev && !READ_ONCE(idev->cnf.disable_ipv6) && len <= READ_ONCE(idev->cnf.mtu6);
}

int rtpe_leave_ip6(struct sk_buff *skb, const struct rtpe_route *r, struct net *net)
{
	struct dst_entry *dst = r->dst;
	const struct neighbour *n;
	struct inet6_dev *idev;
	int ret;

	if (unlikely(!r->plain))
		return ip6_local_out(net, NULL, skb);
	IP6CB(skb)->nhoff = offsetof(struct ipv6hdr, nexthdr);
	ret = ask(net->nf.hooks_ipv6, NFPROTO_IPV6, NF_INET_LOCAL_OUT, skb, dst, net);
	if (ret != 1)
		return ret;
	if (unlikely(skb_dst(skb) != dst))
		return dst_output(net, NULL, skb);
	IP6CB(skb)->flags |= IP6SKB_REROUTED;
	ret = ask(net->nf.hooks_ipv6, NFPROTO_IPV6, NF_INET_POST_ROUTING, skb, dst, net);
	if (ret != 1)
		return ret;
	if (unlikely(skb_dst(skb) != dst))
		return dst_output(net, NULL, skb);
	idev = __in6_dev_get(dst->dev);
	n = __ipv6_neigh_lookup_noref(dst->dev, rt6_nexthop(container_of(dst, const struct rt6_info, dst),
							     &ipv6_hdr(skb)->daddr));
	if (unlikely(!fits_ip6(idev, skb->len) || !reachable(n)))
		return dst_output(net, NULL, skb);
	__IP6_UPD_PO_STATS(net, idev, IPSTATS_MIB_OUT, skb->len);
	return to_neighbour(skb, n, dst->dev);
}
#else
int rtpe_leave_ip6(struct sk_buff *skb, const struct rtpe_route *r, struct net *net)
{
	kfree_skb(skb);
	return -EAFNOSUPPORT;
}
#endif

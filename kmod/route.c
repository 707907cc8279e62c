// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/netdevice.h>
#include <linux/nsproxy.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/ip6_checksum.h>
#include <net/ip6_fib.h>
#include <net/ip6_route.h>
#include <net/ipv6.h>
#include <net/route.h>
#include "route.h"

static LIST_HEAD(paths);		/* all there are */
static DEFINE_SPINLOCK(paths_lock);

/* A source address that is not up (yet) is no error: a floating address may come later. */
static struct dst_entry *lookup_ip4(const struct rtpe_output *o, struct net *net)
{
	struct flowi4 fl = {
		.flowi4_tos = RT_TOS(o->tos),
		.flowi4_proto = IPPROTO_UDP,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
		.fl4_sport = (__force __be16)o->src.port,
		.fl4_dport = (__force __be16)o->dst.port,
	};
	struct rtable *rt;

	memcpy(&fl.saddr, o->src.ip, 4);
	memcpy(&fl.daddr, o->dst.ip, 4);
	if (!fl.daddr)
		return ERR_PTR(-EHOSTUNREACH);
	rt = ip_route_output_flow(net, &fl, NULL);
	if (IS_ERR(rt))
		return ERR_CAST(rt);
	if (rt->rt_flags & RTCF_BROADCAST) {
		ip_rt_put(rt);
		return ERR_PTR(-EHOSTUNREACH);
	}
	return &rt->dst;
}

#if IS_ENABLED(CONFIG_IPV6)
static struct dst_entry *lookup_ip6(const struct rtpe_output *o, struct net *net)
{
	struct flowi6 fl = {
		.flowlabel = ip6_make_flowinfo(o->tos, 0),
		.flowi6_proto = IPPROTO_UDP,
		.fl6_sport = (__force __be16)o->src.port,
		.fl6_dport = (__force __be16)o->dst.port,
	};

	if (!ipv6_mod_enabled())
		return ERR_PTR(-ENETUNREACH);
	memcpy(&fl.saddr, o->src.ip, 16);
	memcpy(&fl.daddr, o->dst.ip, 16);
	if (ipv6_addr_any(&fl.daddr))
		return ERR_PTR(-EHOSTUNREACH);
	return ip6_dst_lookup_flow(net, NULL, &fl, NULL);
}

static u32 cookie_of(const struct rtpe_output *o, const struct dst_entry *dst)
{
	if (o->dst.family != RTPE_FAMILY_IP6)
		return 0;
	return rt6_get_cookie(container_of(dst, const struct rt6_info, dst));
}
#else
static struct dst_entry *lookup_ip6(const struct rtpe_output *o, struct net *net)
{
	return ERR_PTR(-ENETUNREACH);
}

static u32 cookie_of(const struct rtpe_output *o, const struct dst_entry *dst)
{
	return 0;
}
#endif

/*
 * Whether dst->output does no more than ask netfilter, look at the MTU and hand the
 * packet to the neighbour: no IPsec, no tunnel, no VRF, not back to this host.
 */
static bool is_plain(const struct rtpe_output *o, const struct dst_entry *dst)
{
	if (dst_xfrm(dst) || dst->lwtstate || dst->error || dst->dev->flags & IFF_LOOPBACK || dst->dev->mtu > IP_MAX_MTU ||
	    netif_is_l3_slave(dst->dev) || netif_is_l3_master(dst->dev) || dst_metric(dst, RTAX_FEATURES) ||
	    dst_metric_raw(dst, RTAX_MTU))
		return false;
	if (o->dst.family == RTPE_FAMILY_IP6)
		return !(ipv6_addr_type((const void *)o->dst.ip) & (IPV6_ADDR_MULTICAST | IPV6_ADDR_LOOPBACK));
	return container_of(dst, const struct rtable, dst)->rt_type == RTN_UNICAST;
}

static struct rtpe_route *lookup(const struct rtpe_output *o, struct net *net, gfp_t gfp)
{
	struct dst_entry *dst;
	struct rtpe_route *r;

	dst = o->dst.family == RTPE_FAMILY_IP6 ? lookup_ip6(o, net) : lookup_ip4(o, net);
	if (IS_ERR(dst))
		return ERR_CAST(dst);
	r = kmalloc(sizeof(*r), gfp);
	if (!r) {
		dst_release(dst);
		return ERR_PTR(-ENOMEM);
	}
	r->dst = dst;
	r->net = net;
	r->cookie = cookie_of(o, dst);
	r->hop_limit = dst_metric_raw(dst, RTAX_HOPLIMIT);
	r->to_self = dst->dev->flags & IFF_LOOPBACK;
	r->plain = is_plain(o, dst) ? o->dst.family : 0;
	r->headroom = LL_RESERVED_SPACE(dst->dev) + dst->header_len;
	return r;
}

/* A dst without references is itself freed by RCU, so packets under way may go on using it. */
static void discard(struct rtpe_route *r)
{
	if (!r)
		return;
	dst_release(r->dst);
	kfree_rcu(r, rcu);
}

/* Two CPUs may do this at once: the later wins, both have a good route. */
struct rtpe_route *rtpe_route_renew(const struct rtpe_output *o, struct net *net)
{
	struct rtpe_path *path = o->host;
	struct rtpe_route *r = lookup(o, net, GFP_ATOMIC);

	if (!IS_ERR(r))
		discard(unrcu_pointer(xchg(&path->route, RCU_INITIALIZER(r))));
	return r;
}

static void write_ports(struct udphdr *udp, const struct rtpe_output *o)
{
	udp->source = (__force __be16)o->src.port;
	udp->dest = (__force __be16)o->dst.port;
}

/* No options, no DF: media must not depend on ICMP. */
static void write_ip4(struct rtpe_path *path, const struct rtpe_output *o)
{
	struct iphdr *ip = &path->v4.ip;

	ip->version = 4;
	ip->ihl = 5;
	ip->tos = o->tos;
	ip->protocol = IPPROTO_UDP;
	memcpy(&ip->saddr, o->src.ip, 4);
	memcpy(&ip->daddr, o->dst.ip, 4);
	write_ports(&path->v4.udp, o);
	path->header_len = sizeof(path->v4);
	path->header_sum = csum_partial(ip, sizeof(*ip), 0);
	path->pseudo_sum = (__force u16)~csum_tcpudp_magic(ip->saddr, ip->daddr, 0, IPPROTO_UDP, 0);
}

static void write_ip6(struct rtpe_path *path, const struct rtpe_output *o)
{
	struct ipv6hdr *ip = &path->v6.ip;

	ip6_flow_hdr(ip, o->tos, 0);
	ip->nexthdr = IPPROTO_UDP;
	memcpy(&ip->saddr, o->src.ip, 16);
	memcpy(&ip->daddr, o->dst.ip, 16);
	write_ports(&path->v6.udp, o);
	path->header_len = sizeof(path->v6);
	path->pseudo_sum = (__force u16)~csum_ipv6_magic(&ip->saddr, &ip->daddr, 0, IPPROTO_UDP, 0);
}

int rtpe_route_init(struct rtpe_target *t, struct rtpe_output *o)
{
	struct rtpe_path *path = kzalloc(sizeof(*path), GFP_KERNEL_ACCOUNT);
	struct rtpe_route *r;

	if (!path)
		return -ENOMEM;
	r = lookup(o, current->nsproxy->net_ns, GFP_KERNEL_ACCOUNT);
	if (IS_ERR(r)) {
		kfree(path);
		return PTR_ERR(r);
	}
	RCU_INIT_POINTER(path->route, r);
	path->priority = rt_tos2priority(o->tos);
	(o->dst.family == RTPE_FAMILY_IP6 ? write_ip6 : write_ip4)(path, o);
	o->host = path;
	spin_lock(&paths_lock);
	list_add(&path->all, &paths);
	spin_unlock(&paths_lock);
	return 0;
}

/* No packet can see the output any more, or ever could. */
void rtpe_route_release(struct rtpe_output *o)
{
	struct rtpe_path *path = o->host;

	if (!path)
		return;
	spin_lock(&paths_lock);
	list_del(&path->all);
	discard(rcu_dereference_protected(path->route, 1));
	spin_unlock(&paths_lock);
	kfree(path);
}

static void forget(const struct net *net)
{
	struct rtpe_path *path;
	struct rtpe_route *r;

	spin_lock(&paths_lock);
	list_for_each_entry(path, &paths, all) {
		r = rcu_dereference(path->route);
		if (r && net_eq(r->net, net))
			discard(unrcu_pointer(xchg(&path->route, NULL)));
	}
	spin_unlock(&paths_lock);
}

/*
 * A dst points into its namespace and must not outlive it. The devices are gone by
 * now, so no packet looks up another route there; what is let go of here, and by
 * packets that just renewed theirs elsewhere, is freed before the namespace is.
 */
static void __net_exit forget_all(struct list_head *nets)
{
	struct net *net;

	rcu_read_lock();
	list_for_each_entry(net, nets, exit_list)
		forget(net);
	rcu_read_unlock();
	synchronize_rcu();
}

static struct pernet_operations route_net_ops = {
	.exit_batch = forget_all,
};

int __init rtpe_routes_init(void)
{
	return register_pernet_subsys(&route_net_ops);
}

void rtpe_routes_exit(void)
{
	unregister_pernet_subsys(&route_net_ops);
}

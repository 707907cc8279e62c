/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way an output's packets take: looked up when the output is made, kept, and
 * looked up again when routing has changed.
 */
#ifndef RTPE_ROUTE_H
#define RTPE_ROUTE_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/dst.h>
#include <net/route.h>
#include "core/table.h"

/* The result of one look-up. Immutable; packets use it without a reference, inside RCU. */
struct rtpe_route {
	struct dst_entry *dst;
	const struct net *net;	/* where it was looked up; only to compare */
	u32 cookie;		/* for dst_check() */
	u32 headroom;		/* for link layer and IPsec */
	bool to_self;		/* leads back to this host */
	u8 hop_limit;		/* 0: the default (IPv4) */
	u8 plain;		/* RTPE_FAMILY_*: to a neighbour, with nothing but netfilter in between (leave.h); or 0 */
	struct rcu_head rcu;
};

/*
 * rtpe_output.host: the way, and the headers of all its packets but for lengths,
 * identification and TTL, with the sums of what is in them.
 */
struct rtpe_path {
	struct rtpe_route __rcu *route;	/* NULL: its namespace is gone */
	struct list_head all;
	u32 header_len;
	u32 priority;
	__wsum header_sum;	/* IPv4 */
	u16 pseudo_sum;		/* of what the UDP checksum covers besides UDP; folded */
	union {
		struct {
			struct iphdr ip;
			struct udphdr udp;
		} v4;
		struct {
			struct ipv6hdr ip;
			struct udphdr udp;
		} v6;
	};
};

/* rtpe_host_ops.output_init and .output_release; routes are those of the caller's network namespace. */
int rtpe_route_init(struct rtpe_target *t, struct rtpe_output *o);
void rtpe_route_release(struct rtpe_output *o);

/* Looks the route up again: an ERR_PTR if there is none. Inside rcu_read_lock(); does not sleep. */
struct rtpe_route *rtpe_route_renew(const struct rtpe_output *o, struct net *net);

/* Watches for namespaces that end. */
int rtpe_routes_init(void);
void rtpe_routes_exit(void);

/* dst_check(), without the call in the common case. */
static inline bool rtpe_route_valid(const struct rtpe_route *r, const struct net *net)
{
	const struct rtable *rt = container_of(r->dst, struct rtable, dst);

	if (!net_eq(r->net, net))
		return false;
	if (likely(r->plain == RTPE_FAMILY_IP4))
		return r->dst->obsolete == DST_OBSOLETE_FORCE_CHK && rt->rt_genid == rt_genid_ipv4(net);
	return dst_check(r->dst, r->cookie);
}

/* The route kept for o, if it holds in the network namespace `net`; or NULL. Inside rcu_read_lock(). */
static inline struct rtpe_route *rtpe_route_known(const struct rtpe_output *o, const struct net *net)
{
	const struct rtpe_path *path = o->host;
	struct rtpe_route *r = rcu_dereference(path->route);

	return likely(r && rtpe_route_valid(r, net)) ? r : NULL;
}

#endif

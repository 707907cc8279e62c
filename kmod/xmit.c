// SPDX-License-Identifier: GPL-2.0-or-later
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/if_vlan.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include "compat.h"
#include "core/forward.h"
#include "route.h"
#include "xmit.h"

static bool log_errors;
module_param(log_errors, bool, 0644);
MODULE_PARM_DESC(log_errors, "log datagrams that could not be forwarded");

/*
 * How often a datagram may meet targets of this very host, one after the other.
 * Between hosts the TTL, lowered by one each time, ends every loop; inside one,
 * where targets with several outputs could multiply what circles, much sooner.
 */
#define SELF_HOPS 4

/* One datagram on its way to one output. */
struct sending {
	const struct rtpe_output *o;
	const struct rtpe_route *route;
	u8 ttl;			/* 0: its way ends here */
};

static u8 next_ttl(const struct rtpe_arrival *a, const struct rtpe_route *r, u8 fallback)
{
	u8 limit = a->ttl - 1;

	if (!a->ttl)
		return 0;
	if (!r->to_self)
		return min(limit, fallback);
	return a->from_self ? min_t(u8, limit, SELF_HOPS) : SELF_HOPS;
}

static u32 headers_of(const struct rtpe_output *o)
{
	return sizeof(struct udphdr) +
	       (o->dst.family == RTPE_FAMILY_IP6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
}

static u32 headroom_of(const struct sending *s)
{
	const struct dst_entry *dst = s->route->dst;

	return LL_RESERVED_SPACE(dst->dev) + dst->header_len + headers_of(s->o);
}

/*
 * The received skb as one that this host might have made itself: nothing that the
 * way in left on it may steer the way out. Kept, a mark picks another route, a
 * time stamp makes fq wait or drop, a queue mapping names a queue of another
 * device, conntrack and dst belong to the packet that was received.
 */
static void cleanse(struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_scrub_packet(skb, true);
	skb_clear_tstamp(skb);
	skb_clear_hash(skb);
	skb_init_secmark(skb);
	skb_set_queue_mapping(skb, 0);
	__vlan_hwaccel_clear_tag(skb);
	skb->mark = 0;
	skb->encapsulation = 0;
	skb->ip_summed = CHECKSUM_NONE;
	skb->csum_level = 0;
	skb->csum_valid = 0;
#ifdef CONFIG_NET_SCHED
	skb->tc_index = 0;
#endif
	memset(skb->cb, 0, sizeof(skb->cb));
}

/* The received skb itself, if nobody else looks at its data and what is added fits. */
static struct sk_buff *reuse(struct sk_buff *skb, const struct rtpe_arrival *a, u32 len, const struct sending *s)
{
	if (skb_shared(skb) || skb_cloned(skb) || skb_headroom(skb) + a->payload < headroom_of(s) ||
	    skb_tailroom(skb) < s->o->growth)
		return NULL;
	__skb_pull(skb, a->payload);
	__skb_trim(skb, len);
	cleanse(skb);
	return skb;
}

/* A new skb with the payload alone: clean from the start. */
static struct sk_buff *duplicate(const u8 *payload, u32 len, const struct sending *s)
{
	u32 headroom = headroom_of(s);
	struct sk_buff *skb = alloc_skb(headroom + len + s->o->growth, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, headroom);
	skb_put_data(skb, payload, len);
	return skb;
}

static struct udphdr *push_udp(struct sk_buff *skb, const struct rtpe_output *o)
{
	struct udphdr *udp = skb_push(skb, sizeof(*udp));

	skb_reset_transport_header(skb);
	udp->source = (__force __be16)o->src.port;
	udp->dest = (__force __be16)o->dst.port;
	udp->len = htons(skb->len);
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb_transport_header(skb) - skb->head;
	skb->csum_offset = offsetof(struct udphdr, check);
	return udp;
}

/*
 * The identification numbers an output's datagrams one after the other, for the
 * case that a router cuts them up (no DF: media must not depend on ICMP).
 */
static int send_ip4(struct sk_buff *skb, const struct sending *s, struct net *net)
{
	const struct rtpe_output *o = s->o;
	struct udphdr *udp = push_udp(skb, o);
	struct iphdr *iph = skb_push(skb, sizeof(*iph));

	skb_reset_network_header(skb);
	iph->version = 4;
	iph->ihl = 5;
	iph->tos = o->tos;
	iph->id = htons((u16)(o->slot * 0x9e37u + rtpe_counters_mine(o->counters)->packets));
	iph->frag_off = 0;
	iph->ttl = s->ttl;
	iph->protocol = IPPROTO_UDP;
	memcpy(&iph->saddr, o->src.ip, 4);
	memcpy(&iph->daddr, o->dst.ip, 4);
	udp->check = ~csum_tcpudp_magic(iph->saddr, iph->daddr, skb->len - sizeof(*iph), IPPROTO_UDP, 0);
	skb->protocol = htons(ETH_P_IP);
	return ip_local_out(net, NULL, skb);
}

#if IS_ENABLED(CONFIG_IPV6)
static int send_ip6(struct sk_buff *skb, const struct sending *s, struct net *net)
{
	const struct rtpe_output *o = s->o;
	struct udphdr *udp = push_udp(skb, o);
	struct ipv6hdr *iph = skb_push(skb, sizeof(*iph));

	skb_reset_network_header(skb);
	ip6_flow_hdr(iph, o->tos, 0);
	iph->nexthdr = IPPROTO_UDP;
	iph->hop_limit = s->ttl;
	memcpy(&iph->saddr, o->src.ip, 16);
	memcpy(&iph->daddr, o->dst.ip, 16);
	udp->check = ~csum_ipv6_magic(&iph->saddr, &iph->daddr, skb->len - sizeof(*iph), IPPROTO_UDP, 0);
	skb->protocol = htons(ETH_P_IPV6);
	skb->ignore_df = 1;	/* may be cut up, as our own datagram */
	return ip6_local_out(net, NULL, skb);
}
#else
static int send_ip6(struct sk_buff *skb, const struct sending *s, struct net *net)
{
	kfree_skb(skb);
	return -EAFNOSUPPORT;
}
#endif

/* Takes over skb, whose data is the payload; p is this output's own if anything is to be changed. */
static int send(const struct sending *s, struct rtpe_packet *p, struct sk_buff *skb,
		struct net *net)
{
	int err;

	p->data = skb->data;
	p->len = skb->len;
	p->room = skb_tailroom(skb);
	err = rtpe_forward_output(s->o, p);
	if (unlikely(err != RTPE_SEND)) {
		kfree_skb(skb);
		return err;
	}
	if (p->len > skb->len)
		__skb_put(skb, p->len - skb->len);
	else
		__skb_trim(skb, p->len);
	skb->dev = s->route->dst->dev;
	skb->priority = rt_tos2priority(s->o->tos);
	skb_dst_set_noref(skb, s->route->dst);
	err = s->o->dst.family == RTPE_FAMILY_IP6 ? send_ip6(skb, s, net) : send_ip4(skb, s, net);
	return net_xmit_eval(err);
}

/* Finds the way: 0, or why there is none. */
static int prepare(struct sending *s, const struct rtpe_output *o, const struct rtpe_arrival *a, struct net *net)
{
	const struct rtpe_route *r = rtpe_route_get(o, net);
	const struct dst_entry *dst;

	if (IS_ERR(r))
		return PTR_ERR(r);
	dst = r->dst;
	s->o = o;
	s->route = r;
	s->ttl = next_ttl(a, r, o->dst.family == RTPE_FAMILY_IP6 ? ip6_dst_hoplimit((struct dst_entry *)dst) :
								     ip4_dst_hoplimit(dst));
	return s->ttl ? 0 : -ELOOP;
}

unsigned int rtpe_xmit(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb, struct net *net)
{
	struct rtpe_packet *p = &a->packet;
	const u8 *payload = p->data;
	u32 len = p->len, i;
	unsigned int verdict = NF_DROP;

	for (i = p->first; i < p->last; i++) {
		const struct rtpe_output *o = &t->outputs[i];
		struct sk_buff *out = NULL;
		struct rtpe_packet own;
		struct sending s;
		int err;

		own = *p;
		err = prepare(&s, o, a, net);
		if (!err) {
			if (i + 1 == p->last)
				out = reuse(skb, a, len, &s);
			if (out)
				verdict = NF_STOLEN;
			else
				out = duplicate(payload, len, &s);
			err = out ? send(&s, &own, out, net) : -ENOMEM;
		}
		rtpe_forward_sent(t, o, &own, err);
		if (unlikely(err < 0 && log_errors))
			net_notice_ratelimited("datagram not forwarded: error %d\n", err);
	}
	return verdict;
}

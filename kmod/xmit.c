// SPDX-License-Identifier: GPL-2.0-or-later
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/ip6_route.h>
#include <net/route.h>
#include "compat.h"
#include "core/forward.h"
#include "leave.h"
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
	const struct rtpe_path *path;
	const struct rtpe_route *route;
	u8 ttl;			/* 0: its way ends here */
};

static __always_inline u8 hop_limit(const struct sending *s, const struct net *net)
{
	if (s->o->dst.family == RTPE_FAMILY_IP6)
		return ip6_dst_hoplimit(s->route->dst);
	return s->route->hop_limit ? : READ_ONCE(net->ipv4.sysctl_ip_default_ttl);
}

static __always_inline u8 next_ttl(const struct rtpe_arrival *a, const struct sk_buff *skb, const struct sending *s,
			  const struct net *net)
{
	u8 limit = a->ttl - 1;

	if (unlikely(!a->ttl))
		return 0;
	if (likely(!s->route->to_self))
		return min(limit, hop_limit(s, net));
	/* Sent by this host to itself: has it been here before? */
	return skb->dev->flags & IFF_LOOPBACK ? min_t(u8, limit, SELF_HOPS) : SELF_HOPS;
}

static __always_inline u32 headroom_of(const struct sending *s)
{
	return s->route->headroom + s->path->header_len;
}

/*
 * The received skb as one that this host might have made itself: nothing that the
 * way in left on it may steer the way out. Kept, a mark picks another route, a
 * time stamp makes fq wait or drop, a queue mapping names a queue of another
 * device, conntrack and dst belong to the packet that was received.
 */
static __always_inline void cleanse(struct sk_buff *skb)
{
	skb_orphan(skb);
	skb_dst_drop(skb);
	skb_ext_reset(skb);
	nf_reset_ct(skb);
	rtpe_skb_clear_headers(skb);
	skb->tstamp = 0;
	skb->queue_mapping = 0;
	skb->dev = NULL;
	rtpe_clear(skb->cb, sizeof(skb->cb));
}

/* Nobody else looks at the received skb's data, and what is added fits. */
static __always_inline bool reusable(const struct sk_buff *skb, const struct rtpe_arrival *a, const struct sending *s)
{
	return !skb_shared(skb) && !skb_cloned(skb) && skb_headroom(skb) + a->payload >= headroom_of(s) &&
	       (!s->o->growth || skb_tailroom(skb) >= s->o->growth);
}

/* Leaves the payload, of which decrypting may have cut the end. */
static __always_inline void strip(struct sk_buff *skb, const struct rtpe_arrival *a)
{
	__skb_pull(skb, a->payload);
	if (unlikely(skb->len != a->packet.len))
		__skb_trim(skb, a->packet.len);
	cleanse(skb);
}

/* A new skb with the payload alone: clean from the start. */
static struct sk_buff *duplicate(const struct rtpe_packet *p, const struct sending *s)
{
	u32 headroom = headroom_of(s);
	struct sk_buff *skb = alloc_skb(headroom + p->len + s->o->growth, GFP_ATOMIC);

	if (!skb)
		return NULL;
	skb_reserve(skb, headroom);
	skb_put_data(skb, p->data, p->len);
	return skb;
}

/* The device completes the checksum or, if it cannot, the kernel on the way to it. */
static __always_inline void finish_udp(struct sk_buff *skb, struct udphdr *udp, const struct rtpe_path *path, u32 len)
{
	u32 sum;

	udp->len = htons(len);
	sum = path->pseudo_sum + (__force u16)udp->len;
	udp->check = (__force __sum16)(sum + (sum >> 16));
	skb->transport_header = (u8 *)udp - skb->head;
	skb->ip_summed = CHECKSUM_PARTIAL;
	skb->csum_start = skb->transport_header;
	skb->csum_offset = offsetof(struct udphdr, check);
}

static inline __sum16 header_check(const struct rtpe_path *path, const struct iphdr *iph, u8 ttl)
{
	u32 varying = (__force u16)iph->tot_len + (__force u16)iph->id + (__force u16)htons(ttl << 8);

	return csum_fold(csum_add(path->header_sum, (__force __wsum)varying));
}

/* The identification numbers an output's datagrams one after the other, for the case that a router cuts them up. */
static __always_inline int send_ip4(struct sk_buff *skb, const struct sending *s, struct net *net)
{
	u32 len = skb->len + sizeof(struct udphdr);
	struct iphdr *iph = __skb_push(skb, sizeof(s->path->v4));

	memcpy(iph, &s->path->v4, sizeof(s->path->v4));
	iph->tot_len = htons(sizeof(*iph) + len);
	iph->id = htons((u16)(s->o->slot * 0x9e37u + rtpe_counters_mine(s->o->counters)->packets));
	iph->ttl = s->ttl;
	iph->check = header_check(s->path, iph, s->ttl);
	finish_udp(skb, (struct udphdr *)(iph + 1), s->path, len);
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IP);
	return rtpe_leave_ip4(skb, s->route, net);
}

static __always_inline int send_ip6(struct sk_buff *skb, const struct sending *s, struct net *net)
{
	u32 len = skb->len + sizeof(struct udphdr);
	struct ipv6hdr *iph = __skb_push(skb, sizeof(s->path->v6));

	memcpy(iph, &s->path->v6, sizeof(s->path->v6));
	iph->payload_len = htons(len);
	iph->hop_limit = s->ttl;
	finish_udp(skb, (struct udphdr *)(iph + 1), s->path, len);
	skb_reset_network_header(skb);
	skb->protocol = htons(ETH_P_IPV6);
	skb->ignore_df = 1;	/* may be cut up, as our own datagram */
	return rtpe_leave_ip6(skb, s->route, net);
}

/* Takes over a clean skb, whose data is the payload. */
static __always_inline int launch(const struct sending *s, struct sk_buff *skb, struct net *net)
{
	int err;

	skb->priority = s->path->priority;
	/* skb_dst_set_noref(), but for what GRO wants to know of received packets */
	skb->_skb_refdst = (unsigned long)s->route->dst | SKB_DST_NOREF;
	err = s->o->dst.family == RTPE_FAMILY_IP6 ? send_ip6(skb, s, net) : send_ip4(skb, s, net);
	return likely(err <= 0) ? err : net_xmit_errno(err);
}

/* What an output does to the payload, whose packet p becomes. RTPE_SEND; else why it is not to be sent: skb is gone. */
static noinline int change(const struct rtpe_output *o, struct rtpe_packet *p, struct sk_buff *skb)
{
	int result;

	p->data = skb->data;
	p->len = skb->len;
	p->room = skb_tailroom(skb);
	result = rtpe_forward_output(o, p);
	if (unlikely(result != RTPE_SEND))
		kfree_skb(skb);
	else if (p->len > skb->len)
		__skb_put(skb, p->len - skb->len);
	else
		__skb_trim(skb, p->len);
	return result;
}

static inline void complain(int result)
{
	if (unlikely(result < 0) && log_errors)
		net_notice_ratelimited("datagram not forwarded: error %d\n", result);
}

/* Finds the way: 0, or why there is none, which is counted. */
static __always_inline int prepare(struct sending *s, const struct rtpe_target *t, const struct rtpe_output *o,
				   const struct rtpe_arrival *a, const struct sk_buff *skb, struct net *net)
{
	const struct rtpe_route *r = rtpe_route_known(o, net);
	int err = -ELOOP;

	if (unlikely(!r)) {
		r = rtpe_route_renew(o, net);
		if (IS_ERR(r)) {
			err = PTR_ERR(r);
			goto fail;
		}
	}
	s->o = o;
	s->path = o->host;
	s->route = r;
	s->ttl = next_ttl(a, skb, s, net);
	if (likely(s->ttl))
		return 0;
fail:
	rtpe_forward_sent(t, o, &a->packet, err);
	complain(err);
	return err;
}

/* Through any output but the last. */
static noinline void send_copy(const struct rtpe_target *t, const struct rtpe_output *o, const struct rtpe_arrival *a,
			       const struct sk_buff *skb, struct net *net)
{
	struct rtpe_packet own = a->packet;
	struct sending s RTPE_UNINIT;
	struct sk_buff *copy;
	int result;

	if (prepare(&s, t, o, a, skb, net))
		return;
	copy = duplicate(&own, &s);
	result = copy ? RTPE_SEND : -ENOMEM;
	if (copy && rtpe_output_changes(o))
		result = change(o, &own, copy);
	if (likely(result == RTPE_SEND))
		result = launch(&s, copy, net);
	rtpe_forward_sent(t, o, &own, result);
	complain(result);
}

__flatten unsigned int rtpe_xmit(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb,
				 struct net *net)
{
	const struct rtpe_output *o = &t->outputs[a->packet.last - 1];
	struct sending s RTPE_UNINIT;
	int result = RTPE_SEND;
	u32 i;

	OPTIMIZER_HIDE_VAR(o);		/* else it is worked out again for each use */
	for (i = a->packet.first; i + 1 < a->packet.last; i++)
		send_copy(t, &t->outputs[i], a, skb, net);
	if (unlikely(prepare(&s, t, o, a, skb, net)))
		return NF_DROP;
	if (unlikely(!reusable(skb, a, &s))) {
		send_copy(t, o, a, skb, net);
		return NF_DROP;
	}
	strip(skb, a);
	if (rtpe_output_changes(o))
		result = change(o, &a->packet, skb);
	if (likely(result == RTPE_SEND))
		result = launch(&s, skb, net);
	rtpe_forward_sent(t, o, &a->packet, result);
	complain(result);
	return NF_STOLEN;
}

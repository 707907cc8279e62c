// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/inetdevice.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/timekeeping.h>
#include <linux/udp.h>
#include <net/addrconf.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/route.h>
#include <net/xfrm.h>
#include "compat.h"
#include "core/forward.h"
#include "receive.h"
#include "segments.h"
#include "xmit.h"

/*
 * The look-up comes before everything that costs: most datagrams of a host are
 * not ours. The readers below take only what it needs, and IP has already checked
 * its own header. Fragments were put together before this hook (IPv4), or have
 * another next header still (IPv6).
 */
static __always_inline bool read_ip4(const struct sk_buff *skb, struct rtpe_arrival *a, struct rtpe_addr *local,
				     bool early)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (early && *(const u8 *)iph != 0x45)
		return false;
	if (iph->protocol != IPPROTO_UDP || ip_is_fragment(iph))
		return false;
	a->ttl = iph->ttl;
	a->payload = early ? sizeof(*iph) : iph->ihl * 4;
	local->family = a->packet.src.family = RTPE_FAMILY_IP4;
	memcpy(local->ip, &iph->daddr, 4);
	memcpy(a->packet.src.ip, &iph->saddr, 4);
	return true;
}

static __always_inline bool read_ip6(const struct sk_buff *skb, struct rtpe_arrival *a, struct rtpe_addr *local)
{
	const struct ipv6hdr *iph = ipv6_hdr(skb);

	if (iph->nexthdr != IPPROTO_UDP)
		return false;
	a->ttl = iph->hop_limit;
	a->payload = sizeof(*iph);
	local->family = a->packet.src.family = RTPE_FAMILY_IP6;
	memcpy(local->ip, &iph->daddr, 16);
	memcpy(a->packet.src.ip, &iph->saddr, 16);
	return true;
}

/* Adds the ports. a->payload is the offset of the UDP header before, of what follows it after. */
static __always_inline bool read_udp(const struct sk_buff *skb, struct rtpe_arrival *a, struct rtpe_addr *local,
			    struct udphdr *udp, bool early)
{
	const struct udphdr *u = early ? (const void *)(skb->data + a->payload) :
					 skb_header_pointer(skb, a->payload, sizeof(*udp), udp);

	if (unlikely(!u))
		return false;
	*udp = *u;
	local->port = (__force u16)udp->dest;
	a->packet.src.port = (__force u16)udp->source;
	a->payload += sizeof(*udp);
	return true;
}

static __always_inline bool checksum_valid(struct sk_buff *skb, const struct udphdr *udp, u32 offset, u8 family)
{
	if (!udp->check)
		return family == NFPROTO_IPV4;
	if (likely(skb->ip_summed == CHECKSUM_UNNECESSARY || skb->ip_summed == CHECKSUM_PARTIAL))
		return true;
	/* skb->csum_valid may be about the datagram of a tunnel that this one came in */
	return !nf_checksum(skb, NF_INET_LOCAL_IN, offset, IPPROTO_UDP, family);
}

/* The socket would ask that as well: what IPsec is to protect must have come so. */
static __always_inline bool policy_allows(struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? xfrm6_policy_check(NULL, XFRM_POLICY_IN, skb) :
					xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb);
}

/* Lengths that do not agree, bad checksums, what IPsec forbids: the stack judges and counts that. */
static __always_inline bool is_sound(struct sk_buff *skb, const struct rtpe_arrival *a, const struct udphdr *udp,
				     u8 family, bool early)
{
	u32 offset = a->payload - sizeof(*udp);

	if (unlikely(ntohs(udp->len) < sizeof(*udp) || (ntohs(udp->len) != skb->len - offset && !skb_is_gso(skb))))
		return false;
	return checksum_valid(skb, udp, offset, family) && (early || policy_allows(skb, family));
}

/* Not 0.0.0.0/8, 127.0.0.0/8, multicast or broadcast. */
static inline bool can_be_source(__be32 ip)
{
	u8 net = *(const u8 *)&ip;

	return net && net != 127 && net < 224;
}

/*
 * What the IP stack would check before the rule. Its own errors are for it to count,
 * so a packet it would not like goes on to it. What a driver added to fill a frame
 * is cut off, as IP does.
 */
static __always_inline bool ip4_sound(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	u32 len = ntohs(iph->tot_len);

	if (ip_fast_csum(iph, 5) || !can_be_source(iph->saddr))
		return false;
	return len >= sizeof(*iph) + sizeof(struct udphdr) && len <= skb->len &&
	       (likely(len == skb->len) || !pskb_trim_rcsum(skb, len));
}

static __always_inline bool ip6_sound(struct sk_buff *skb)
{
	const struct ipv6hdr *iph = ipv6_hdr(skb);
	u32 len = ntohs(iph->payload_len) + sizeof(*iph);

	if (iph->version != 6 || ipv6_addr_is_multicast(&iph->saddr) || ipv6_addr_any(&iph->saddr) ||
	    ipv6_addr_loopback(&iph->saddr))
		return false;
	return len >= sizeof(*iph) + sizeof(struct udphdr) && len <= skb->len &&
	       (likely(len == skb->len) || !pskb_trim_rcsum(skb, len));
}

/* Whether the device is to take IPv6 at all. */
static __always_inline bool has_ip6(const struct net_device *dev)
{
	const struct inet6_dev *idev = __in6_dev_get(dev);

	return idev && !READ_ONCE(idev->cnf.disable_ipv6);
}

/* The reverse path filter and all else that routing says of a source, where a filter is on. */
static noinline bool comes_the_right_way(struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);
	bool right = !ip_route_input_noref(skb, iph->daddr, iph->saddr, iph->tos, skb->dev) &&
		     skb_rtable(skb)->rt_type == RTN_LOCAL;

	skb_dst_drop(skb);
	return right;
}

static __always_inline bool filter_allows(struct sk_buff *skb)
{
	struct in_device *in_dev = __in_dev_get_rcu(skb->dev);

	return in_dev && (likely(!IN_DEV_RPFILTER(in_dev)) || comes_the_right_way(skb));
}

/* Whatever IPsec has a say in is left to the stack, which finds out what it needs for that. */
static __always_inline bool early_sound(struct sk_buff *skb, struct net *net, u8 family)
{
	if (!rtpe_xfrm_idle(net, skb))
		return false;
	return family == NFPROTO_IPV6 ? ip6_sound(skb) && has_ip6(skb->dev) : ip4_sound(skb) && filter_allows(skb);
}

/* The headers that are looked at before the target is found lie in one piece. */
static __always_inline bool readable(struct sk_buff *skb, u8 family)
{
	u32 len = sizeof(struct udphdr) + (family == NFPROTO_IPV6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));

	return likely(skb_headlen(skb) >= len) || pskb_may_pull(skb, len);
}

/* Decryption works in place: in data that nobody else looks at. */
static __always_inline int make_private(struct sk_buff *skb)
{
	return skb_cloned(skb) ? pskb_expand_head(skb, 0, 0, GFP_ATOMIC) : 0;
}

static __always_inline unsigned int forward(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb,
			  struct net *net)
{
	if (unlikely(t->decrypt && make_private(skb)))
		return NF_DROP;
	rtpe_arrival_locate(a, skb);
	switch (rtpe_forward_packet(t, &a->packet)) {
	case RTPE_FORWARD:
		return rtpe_xmit(t, a, skb, net);
	case RTPE_DROP:
		return NF_DROP;
	case RTPE_PASS:
		break;
	}
	return NF_ACCEPT;
}

unsigned int rtpe_receive_datagram(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb,
				   struct net *net)
{
	return forward(t, a, skb, net);
}

static __always_inline unsigned int dispose(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb,
				   struct net *net)
{
	if (unlikely(skb_is_gso(skb)))
		return rtpe_receive_segments(t, a, skb, net);
	if (unlikely(skb_linearize(skb)))
		return NF_ACCEPT;
	return forward(t, a, skb, net);
}

static __always_inline unsigned int receive(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net,
					    u8 family, bool early)
{
	struct rtpe_arrival a RTPE_UNINIT;
	struct rtpe_addr local RTPE_UNINIT;
	struct udphdr udp RTPE_UNINIT;
	const struct rtpe_target *t;
	unsigned int verdict;

	if (early && !readable(skb, family))
		return NF_ACCEPT;
	if (!(family == NFPROTO_IPV6 ? read_ip6(skb, &a, &local) : read_ip4(skb, &a, &local, early)))
		return NF_ACCEPT;
	if (!read_udp(skb, &a, &local, &udp, early))
		return NF_ACCEPT;
	t = rtpe_table_find(&kt->core, &local);
	if (!t || (early && (t->inner || !early_sound(skb, net, family))))
		return NF_ACCEPT;
	if (unlikely(!is_sound(skb, &a, &udp, family, early)))
		return NF_ACCEPT;
	a.packet.now_us = div_u64(ktime_get_real_fast_ns(), NSEC_PER_USEC);
	if (early || likely(in_softirq()))
		return dispose(t, &a, skb, net);
	/* Counters are per CPU; a packet handed back by a queue comes in process context. */
	local_bh_disable();
	verdict = dispose(t, &a, skb, net);
	local_bh_enable();
	return verdict;
}

unsigned int rtpe_receive_ip4(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net)
{
	return receive(kt, skb, net, NFPROTO_IPV4, false);
}

unsigned int rtpe_receive_ip6(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net)
{
	return receive(kt, skb, net, NFPROTO_IPV6, false);
}

unsigned int rtpe_receive_early_ip4(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net)
{
	return receive(kt, skb, net, NFPROTO_IPV4, true);
}

unsigned int rtpe_receive_early_ip6(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net)
{
	return receive(kt, skb, net, NFPROTO_IPV6, true);
}

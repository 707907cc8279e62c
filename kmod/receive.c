// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/ktime.h>
#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/udp.h>
#include <net/ip.h>
#include <net/xfrm.h>
#include "core/forward.h"
#include "receive.h"
#include "xmit.h"

/*
 * The look-up comes before everything that costs: most datagrams of a host are
 * not ours. The readers below take only what it needs, and IP has already checked
 * its own header. Fragments were put together before this hook (IPv4), or have
 * another next header still (IPv6).
 */
static bool read_ip4(const struct sk_buff *skb, struct rtpe_arrival *a, struct rtpe_addr *local)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->protocol != IPPROTO_UDP || ip_is_fragment(iph))
		return false;
	a->ttl = iph->ttl;
	a->payload = iph->ihl * 4;
	local->family = a->packet.src.family = RTPE_FAMILY_IP4;
	memcpy(local->ip, &iph->daddr, 4);
	memcpy(a->packet.src.ip, &iph->saddr, 4);
	return true;
}

static bool read_ip6(const struct sk_buff *skb, struct rtpe_arrival *a, struct rtpe_addr *local)
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
static bool read_udp(const struct sk_buff *skb, struct rtpe_arrival *a, struct rtpe_addr *local, struct udphdr *udp)
{
	const struct udphdr *u = skb_header_pointer(skb, a->payload, sizeof(*udp), udp);

	if (!u)
		return false;
	*udp = *u;
	local->port = (__force u16)udp->dest;
	a->packet.src.port = (__force u16)udp->source;
	a->payload += sizeof(*udp);
	return true;
}

static bool checksum_valid(struct sk_buff *skb, const struct udphdr *udp, u32 offset, u8 family)
{
	if (!udp->check)
		return family == NFPROTO_IPV4;
	if (likely(skb_csum_unnecessary(skb) || skb->ip_summed == CHECKSUM_PARTIAL))
		return true;
	return !nf_checksum(skb, NF_INET_LOCAL_IN, offset, IPPROTO_UDP, family);
}

/* The socket would ask that as well: what IPsec is to protect must have come so. */
static bool policy_allows(struct sk_buff *skb, u8 family)
{
	return family == NFPROTO_IPV6 ? xfrm6_policy_check(NULL, XFRM_POLICY_IN, skb) :
					xfrm4_policy_check(NULL, XFRM_POLICY_IN, skb);
}

/*
 * Makes the payload readable. What is odd is left to the stack, which judges and
 * counts it: lengths that do not agree, bad checksums, what IPsec forbids. Datagrams
 * that were coalesced (GRO) go to the socket as well, where they are taken apart again.
 */
static bool read_payload(struct sk_buff *skb, struct rtpe_arrival *a, const struct udphdr *udp, u8 family)
{
	u32 offset = a->payload - sizeof(*udp);

	if (unlikely(ntohs(udp->len) < sizeof(*udp) || ntohs(udp->len) != skb->len - offset))
		return false;
	if (unlikely(skb_is_gso(skb) || skb_linearize(skb)))
		return false;
	if (!checksum_valid(skb, udp, offset, family) || !policy_allows(skb, family))
		return false;
	a->packet.data = skb->data + a->payload;
	a->packet.len = skb->len - a->payload;
	a->packet.room = 0;
	a->packet.now_us = div_u64(ktime_get_real_ns(), NSEC_PER_USEC);
	a->from_self = skb->dev->flags & IFF_LOOPBACK;
	return true;
}

/* Decryption works in place: in data that nobody else looks at. */
static int make_private(struct sk_buff *skb, struct rtpe_arrival *a)
{
	int err = skb_cloned(skb) ? pskb_expand_head(skb, 0, 0, GFP_ATOMIC) : 0;

	a->packet.data = skb->data + a->payload;
	return err;
}

static unsigned int dispose(const struct rtpe_target *t, struct rtpe_arrival *a, struct sk_buff *skb, struct net *net)
{
	if (t->decrypt && make_private(skb, a))
		return NF_DROP;
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

unsigned int rtpe_receive(const struct rtpe_ktable *kt, struct sk_buff *skb, struct net *net, u8 family)
{
	const struct rtpe_target *t;
	struct rtpe_arrival a;
	struct rtpe_addr local;
	struct udphdr udp;
	unsigned int verdict;

	if (!(family == NFPROTO_IPV6 ? read_ip6 : read_ip4)(skb, &a, &local))
		return NF_ACCEPT;
	if (!read_udp(skb, &a, &local, &udp))
		return NF_ACCEPT;
	t = rtpe_table_find(&kt->core, &local);
	if (!t || !read_payload(skb, &a, &udp, family))
		return NF_ACCEPT;
	/* Counters are per CPU; a packet handed back by a queue comes in process context. */
	local_bh_disable();
	verdict = dispose(t, &a, skb, net);
	local_bh_enable();
	return verdict;
}

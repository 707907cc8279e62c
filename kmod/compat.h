/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences between kernels, found by the compile probes in Kbuild. */
#ifndef RTPE_COMPAT_H
#define RTPE_COMPAT_H

#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/skbuff.h>
#include <net/ip.h>
#include <net/xfrm.h>

#ifdef RTPE_HAVE_NET_GSO_H
#include <net/gso.h>
#endif

/* No policy for what comes in, and the packet did not come through a tunnel. */
static inline bool rtpe_xfrm_idle(struct net *net, struct sk_buff *skb)
{
#ifndef CONFIG_XFRM
	return true;
#elif defined(RTPE_HAVE_XFRM_CHECK_NOPOLICY)
	return __xfrm_check_nopolicy(net, skb, XFRM_POLICY_IN);
#else
	return !net->xfrm.policy_count[XFRM_POLICY_IN] && !secpath_exists(skb);
#endif
}

/* What ip_local_out() and ip_output() count. */
static inline void rtpe_count_ip4_out(struct net *net, u32 len)
{
#ifdef RTPE_HAVE_OUTREQUESTS
	__IP_INC_STATS(net, IPSTATS_MIB_OUTREQUESTS);
#endif
	__IP_UPD_PO_STATS(net, IPSTATS_MIB_OUT, len);
}

#ifndef RTPE_HAVE_PDE_DATA
#define pde_data(inode) PDE_DATA(inode)
#endif

/* memset() of a few dozen bytes, for which compilers take a string instruction that is slow to start. */
static __always_inline void rtpe_clear(void *at, size_t len)
{
	u8 *p = at;

	for (; len > 32; p += 32, len -= 32)
		memset(p, 0, 32);
	memset(p, 0, len);
}

/*
 * Sets to zero, as in a new skb, all that skb_clone() copies in one piece: mark,
 * priority, checksum state, hash, VLAN tag, secmark, offsets of headers and every
 * flag. What describes the memory lies outside, but for alloc_cpu.
 */
static __always_inline void rtpe_skb_clear_headers(struct sk_buff *skb)
{
#ifdef RTPE_HAVE_SKB_HEADERS
#ifdef RTPE_HAVE_SKB_ALLOC_CPU
	u16 alloc_cpu = skb->alloc_cpu;
#endif

	rtpe_clear(&skb->headers, sizeof(skb->headers));
#ifdef RTPE_HAVE_SKB_ALLOC_CPU
	skb->alloc_cpu = alloc_cpu;
#endif
#else
	rtpe_clear(&skb->headers_start, offsetof(struct sk_buff, headers_end) - offsetof(struct sk_buff, headers_start));
#endif
	skb->mac_header = (typeof(skb->mac_header))~0U;
}

static inline void rtpe_vma_forbid(struct vm_area_struct *vma, unsigned long flags)
{
#ifdef RTPE_HAVE_VM_FLAGS_CLEAR
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

#endif

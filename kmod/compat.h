/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Differences between kernels, found by the compile probes in Kbuild. */
#ifndef RTPE_COMPAT_H
#define RTPE_COMPAT_H

#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/skbuff.h>

#ifndef RTPE_HAVE_PDE_DATA
#define pde_data(inode) PDE_DATA(inode)
#endif

#ifndef RTPE_HAVE_SKB_CLEAR_TSTAMP
static inline void skb_clear_tstamp(struct sk_buff *skb)
{
	skb->tstamp = 0;
}
#endif

static inline void rtpe_vma_forbid(struct vm_area_struct *vma, unsigned long flags)
{
#ifdef RTPE_HAVE_VM_FLAGS_CLEAR
	vm_flags_clear(vma, flags);
#else
	vma->vm_flags &= ~flags;
#endif
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/* blist: the targets as records, and the statistics memory to be mapped. */
#include <linux/mm.h>
#include <linux/proc_fs.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include "compat.h"
#include "core/state.h"
#include "procfs.h"

#define READ_MAX 262144		/* bytes one read() returns at the most */

/* Whole targets from slot *pos on, as many as fit; -EMSGSIZE if not even one does. */
static ssize_t fill(struct rtpe_ktable *kt, u8 *out, size_t room, loff_t *pos)
{
	const struct rtpe_target *x;
	size_t used = 0;
	u32 slot;

	for (slot = *pos; (x = rtpe_table_next(&kt->core, &slot)); slot++) {
		if (rtpe_state_max(x) > room - used) {
			*pos = slot;
			return used ? (ssize_t)used : -EMSGSIZE;
		}
		used += rtpe_state_write(x, out + used);
	}
	*pos = slot;
	return used;
}

/*
 * The position is the next slot, not a byte: targets added or removed between two
 * reads make none of the others appear twice or not at all.
 */
static ssize_t blist_read(struct file *file, char __user *buf, size_t len, loff_t *off)
{
	struct rtpe_ktable *kt = pde_data(file_inode(file));
	size_t room = min_t(size_t, len, READ_MAX);
	loff_t pos = *off;
	ssize_t ret;
	u8 *out;

	if (pos < 0 || pos > U32_MAX)
		return -EINVAL;
	if (!room)
		return 0;
	out = kvmalloc(room, GFP_KERNEL_ACCOUNT);
	if (!out)
		return -ENOMEM;
	ret = mutex_lock_killable(&kt->lock);
	if (!ret) {
		ret = fill(kt, out, room, &pos);
		mutex_unlock(&kt->lock);
	}
	if (ret > 0 && copy_to_user(buf, out, ret))
		ret = -EFAULT;
	if (ret >= 0)
		*off = pos;
	kvfree(out);
	return ret;
}

/* The pages are counted: they outlive the table until they are unmapped. */
static int blist_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct rtpe_ktable *kt = pde_data(file_inode(file));
	const void *chunk;
	u32 bytes;

	if (vma->vm_flags & VM_WRITE)
		return -EPERM;
	chunk = rtpe_table_memory(&kt->core, (u64)vma->vm_pgoff << PAGE_SHIFT, &bytes);
	if (!chunk)
		return -ENXIO;
	if (vma->vm_end - vma->vm_start > bytes)
		return -EINVAL;
	rtpe_vma_forbid(vma, VM_MAYWRITE);
	return remap_vmalloc_range(vma, (void *)chunk, 0);
}

const struct proc_ops rtpe_blist_ops = {
	.proc_read = blist_read,
	.proc_mmap = blist_mmap,
	.proc_lseek = default_llseek,
};

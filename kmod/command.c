// SPDX-License-Identifier: GPL-2.0-or-later
/* The control file of a table: batches in, replies out (uapi/rtpengine.h). */
#include <linux/capability.h>
#include <linux/proc_fs.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "compat.h"
#include "procfs.h"

static int control_open(struct inode *inode, struct file *file)
{
	struct rtpe_ktable *kt = pde_data(inode);
	int err = 0;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	mutex_lock(&kt->lock);
	if (kt->dead) {
		err = -ENOENT;
	} else if (kt->owner_pid) {
		err = -EBUSY;
	} else {
		kt->owner_pid = get_pid(task_tgid(current));
		kt->owner.greeted = false;
		file->private_data = kt;
	}
	mutex_unlock(&kt->lock);
	return err ? err : stream_open(inode, file);
}

static void drop_reply(struct rtpe_ktable *kt)
{
	kvfree(kt->reply);
	kt->reply = NULL;
	kt->reply_len = 0;
}

static void flush_all(struct rtpe_ktable *kt)
{
	rtpe_table_flush(&kt->core);
	rtpe_intercept_clear(&kt->core);
}

/* Runs when the last duplicate of the descriptor is closed, also after a kill. */
static int control_release(struct inode *inode, struct file *file)
{
	struct rtpe_ktable *kt = file->private_data;

	mutex_lock(&kt->lock);
	if (kt->core.options & RTPE_OPTION_FLUSH_ON_CLOSE)
		flush_all(kt);
	kt->core.options = 0;
	drop_reply(kt);
	put_pid(kt->owner_pid);
	kt->owner_pid = NULL;
	mutex_unlock(&kt->lock);
	return 0;
}

/* Under kt->lock: carries out a batch and keeps its replies. */
static int run_batch(struct rtpe_ktable *kt, const void *batch, u32 len)
{
	int bound = rtpe_command_check(&kt->core, &kt->owner, batch, len);

	if (bound < 0)
		return bound;
	drop_reply(kt);
	kt->reply = kvmalloc(bound, GFP_KERNEL_ACCOUNT);
	if (!kt->reply)
		return -ENOMEM;
	kt->reply_len = rtpe_command_run(&kt->core, &kt->owner, batch, kt->reply);
	return 0;
}

static ssize_t control_write(struct file *file, const char __user *buf, size_t len, loff_t *off)
{
	struct rtpe_ktable *kt = file->private_data;
	void *batch;
	int err;

	if (len < sizeof(struct rtpe_batch))
		return -EINVAL;
	if (len > RTPE_MAX_BATCH)
		return -EMSGSIZE;
	batch = kvmalloc(len, GFP_KERNEL_ACCOUNT);
	if (!batch)
		return -ENOMEM;
	err = -EFAULT;
	if (copy_from_user(batch, buf, len))
		goto out;
	err = mutex_lock_killable(&kt->lock);
	if (err)
		goto out;
	err = run_batch(kt, batch, len);
	mutex_unlock(&kt->lock);
out:
	kvfree_sensitive(batch, len);	/* it may hold keys */
	return err ? err : (ssize_t)len;
}

static ssize_t control_read(struct file *file, char __user *buf, size_t len, loff_t *off)
{
	struct rtpe_ktable *kt = file->private_data;
	ssize_t ret;

	ret = mutex_lock_killable(&kt->lock);
	if (ret)
		return ret;
	if (len < kt->reply_len) {
		ret = -EMSGSIZE;
	} else if (copy_to_user(buf, kt->reply, kt->reply_len)) {
		ret = -EFAULT;
	} else {
		ret = kt->reply_len;
		drop_reply(kt);
	}
	mutex_unlock(&kt->lock);
	return ret;
}

const struct proc_ops rtpe_control_ops = {
	.proc_open = control_open,
	.proc_release = control_release,
	.proc_write = control_write,
	.proc_read = control_read,
};

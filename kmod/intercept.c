// SPDX-License-Identifier: GPL-2.0-or-later
/* calls/CALL/STREAM: intercepted packets, one a read(). */
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/proc_fs.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include "compat.h"
#include "intercept.h"
#include "module.h"
#include "procfs.h"

static unsigned int stream_packets_list_limit = RTPE_STREAM_PACKETS;
module_param(stream_packets_list_limit, uint, 0);
MODULE_PARM_DESC(stream_packets_list_limit, "packets that wait in an intercepted stream whose length is not given");

#define RECLAIM_DELAY (HZ / 50)

/*
 * The host's part of a queue, and as long lived: an open file holds the queue.
 * Those who poll are another matter. Removing the file releases it while it is
 * still open, and poll() and epoll go on holding its wait queue.
 */
struct stream_file {
	struct rtpe_stream_queue *q;
	struct proc_dir_entry *entry;
	wait_queue_head_t wait;
	struct delayed_work reclaim;
	struct rcu_head rcu;
};

/* Files not yet reclaimed, and the module itself; nobody is left when it goes to zero. */
static refcount_t files = REFCOUNT_INIT(1);
static DECLARE_COMPLETION(files_gone);

static void file_done(void)
{
	if (refcount_dec_and_test(&files))
		complete(&files_gone);
}

/* epoll has been told to let go; poll() and select() leave when they are woken. */
static void reclaim(struct work_struct *work)
{
	struct stream_file *f = container_of(to_delayed_work(work), struct stream_file, reclaim);

	/* No barrier: nobody comes any more. */
	if (waitqueue_active(&f->wait)) {
		wake_up_all(&f->wait);
		schedule_delayed_work(&f->reclaim, RECLAIM_DELAY);
		return;
	}
	kfree_rcu(f, rcu);
	file_done();
}

static void queue_freed(void *host)
{
	struct stream_file *f = host;

	if (f)
		schedule_delayed_work(&f->reclaim, 0);
}

static void queue_wake(struct rtpe_stream_queue *q)
{
	struct stream_file *f = q->host;

	wake_up_interruptible_poll(&f->wait, EPOLLIN | EPOLLRDNORM | (rtpe_stream_ended(q) ? EPOLLHUP : 0));
}

static int stream_open_file(struct inode *inode, struct file *file)
{
	struct stream_file *f = pde_data(inode);

	rtpe_stream_ref(f->q);
	file->private_data = f;
	return stream_open(inode, file);
}

static int stream_release(struct inode *inode, struct file *file)
{
	struct stream_file *f = file->private_data;

	rtpe_stream_unref(f->q);
	return 0;
}

/* The next packet, waiting for it if the file does. NULL: the end. */
static struct rtpe_copy *next_packet(const struct file *file, struct stream_file *f)
{
	struct rtpe_copy *c;
	bool ended;
	int err;

	for (;;) {
		ended = rtpe_stream_ended(f->q);	/* asked first: then nothing comes behind what is taken */
		c = rtpe_stream_take(f->q);
		if (c || ended)
			return c;
		if (file->f_flags & O_NONBLOCK)
			return ERR_PTR(-EAGAIN);
		err = wait_event_interruptible(f->wait, rtpe_stream_waiting(f->q) || rtpe_stream_ended(f->q));
		if (err)
			return ERR_PTR(err);
	}
}

/* What does not fit is cut off, as with datagrams. */
static ssize_t stream_read(struct file *file, char __user *buf, size_t len, loff_t *off)
{
	struct stream_file *f = file->private_data;
	struct rtpe_copy *c;
	ssize_t n;

	if (!len)
		return 0;
	c = next_packet(file, f);
	if (IS_ERR_OR_NULL(c))
		return PTR_ERR_OR_ZERO(c);
	n = min_t(size_t, len, c->len);
	if (copy_to_user(buf, c->data, n))
		n = -EFAULT;
	rtpe_free(c);
	return n;
}

static __poll_t stream_poll(struct file *file, struct poll_table_struct *table)
{
	struct stream_file *f = file->private_data;
	__poll_t mask = 0;

	poll_wait(file, &f->wait, table);
	if (rtpe_stream_ended(f->q))
		mask |= EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	if (rtpe_stream_waiting(f->q))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static const struct proc_ops stream_ops = {
	.proc_open = stream_open_file,
	.proc_release = stream_release,
	.proc_read = stream_read,
	.proc_poll = stream_poll,
};

static int call_added(struct rtpe_table *t, const char *call, void **host)
{
	struct rtpe_ktable *kt = container_of(t, struct rtpe_ktable, core);

	*host = rtpe_procfs_mkdir(kt->calls, call, 0555);
	return *host ? 0 : -ENOMEM;
}

static void call_removed(struct rtpe_table *t, void *host)
{
	proc_remove(host);
}

static int stream_added(struct rtpe_table *t, void *call, const char *name, struct rtpe_stream_queue *q)
{
	struct stream_file *f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);

	if (!f)
		return -ENOMEM;
	refcount_inc(&files);
	f->q = q;
	init_waitqueue_head(&f->wait);
	INIT_DELAYED_WORK(&f->reclaim, reclaim);
	q->host = f;
	f->entry = rtpe_procfs_file(call, name, 0440, &stream_ops, f);
	return f->entry ? 0 : -ENOMEM;
}

/*
 * Readers were woken and leave; proc_remove() waits for them and releases what is
 * open. wake_up_pollfree() would not do: it complains of poll() and select().
 */
static void stream_removed(struct rtpe_table *t, struct rtpe_stream_queue *q)
{
	struct stream_file *f = q->host;

	proc_remove(f->entry);
	__wake_up(&f->wait, TASK_NORMAL, 0, poll_to_key(EPOLLHUP | POLLFREE));
}

struct rtpe_intercept_ops rtpe_intercept_ops = {
	.call_added = call_added,
	.call_removed = call_removed,
	.stream_added = stream_added,
	.stream_removed = stream_removed,
	.queue = { .wake = queue_wake, .freed = queue_freed },
};

int __init rtpe_intercept_files_init(void)
{
	if (!stream_packets_list_limit || stream_packets_list_limit > RTPE_MAX_QUEUE)
		return -EINVAL;
	rtpe_intercept_ops.stream_packets = stream_packets_list_limit;
	return 0;
}

void rtpe_intercept_files_exit(void)
{
	file_done();
	wait_for_completion(&files_gone);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* list and status: a table as text. No keys are ever shown. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "compat.h"
#include "procfs.h"

static void show_addr(struct seq_file *seq, const char *label, const struct rtpe_addr *a)
{
	const u8 *b = a->ip;

	if (a->family == RTPE_FAMILY_IP4)
		seq_printf(seq, "%s inet4 %u.%u.%u.%u:%u\n", label, b[0], b[1], b[2], b[3],
			   rtpe_read16(&a->port));
	else if (a->family == RTPE_FAMILY_IP6)
		seq_printf(seq, "%s inet6 [%x:%x:%x:%x:%x:%x:%x:%x]:%u\n", label, rtpe_read16(b), rtpe_read16(b + 2),
			   rtpe_read16(b + 4), rtpe_read16(b + 6), rtpe_read16(b + 8), rtpe_read16(b + 10),
			   rtpe_read16(b + 12), rtpe_read16(b + 14), rtpe_read16(&a->port));
}

static void show_stats(struct seq_file *seq, const char *indent, const struct rtpe_table *t,
		       const struct rtpe_counters *first)
{
	struct rtpe_counters sum;

	rtpe_counters_fold(first, t->stats.cpus, &sum);
	seq_printf(seq, "%sstats: %20llu bytes, %20llu packets, %20llu errors\n", indent, sum.bytes, sum.packets,
		   sum.errors);
}

static void show_ssrcs(struct seq_file *seq, const struct rtpe_target *x)
{
	const char *between = "    SSRC in: ";
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++) {
		if (!READ_ONCE(x->ssrc[i].valid))
			continue;
		seq_printf(seq, "%s%x", between, rtpe_read32(&x->ssrc[i].ssrc));
		between = ", ";
	}
	if (between[0] == ',')
		seq_putc(seq, '\n');
}

static void show_options(struct seq_file *seq, const struct rtpe_target *x)
{
	static const struct {
		u32 flag;
		const char *name;
	} options[] = {
		{ RTPE_TARGET_RTP, "RTP" },
		{ RTPE_TARGET_RTP_ONLY, "RTP only" },
		{ RTPE_TARGET_STUN, "stun" },
		{ RTPE_TARGET_DTLS, "dtls" },
		{ RTPE_TARGET_LEARN, "learning" },
		{ RTPE_TARGET_BLACKHOLE, "blackhole" },
		{ RTPE_TARGET_PT_FILTER, "PT filter" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(options); i++)
		if (x->flags & options[i].flag)
			seq_printf(seq, "    option: %s\n", options[i].name);
	if (!x->num_outputs)
		seq_puts(seq, "    option: non forwarding\n");
}

static void show_output(struct seq_file *seq, const struct rtpe_target *x, u32 i)
{
	const struct rtpe_output *o = &x->outputs[i];
	bool rtp = i >= x->rtp_start && i < x->rtp_end;
	bool rtcp = i >= x->rtcp_start && i < x->rtcp_end;

	seq_printf(seq, "    output #%u\n", i);
	show_addr(seq, "       src", &o->src);
	show_addr(seq, "       dst", &o->dst);
	show_stats(seq, "      ", x->table, o->counters);
	if (rtcp && !rtp)
		seq_puts(seq, "      option: RTCP only\n");
}

static void show_target(struct seq_file *seq, const struct rtpe_target *x)
{
	static const char * const actions[] = {
		[RTPE_MISMATCH_IGNORE] = "ignore",
		[RTPE_MISMATCH_DROP] = "drop",
		[RTPE_MISMATCH_PASS] = "propagate",
	};
	u32 i;

	show_addr(seq, "local", &x->local);
	show_addr(seq, "    expect", &x->expected_src);
	if (x->expected_src.family)
		seq_printf(seq, "    src mismatch action: %s\n", actions[x->src_mismatch]);
	show_stats(seq, "    ", x->table, x->counters);
	show_ssrcs(seq, x);
	show_options(seq, x);
	for (i = 0; i < x->num_outputs; i++)
		show_output(seq, x, i);
}

/* The iterator is a bucket of the table: its number plus one, NULL at the end. */
static void *list_start(struct seq_file *seq, loff_t *pos)
{
	struct rtpe_ktable *kt = pde_data(file_inode(seq->file));

	mutex_lock(&kt->lock);
	return *pos < RTPE_TABLE_BUCKETS ? (void *)(unsigned long)(*pos + 1) : NULL;
}

static void *list_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return *pos < RTPE_TABLE_BUCKETS ? (void *)(unsigned long)(*pos + 1) : NULL;
}

static void list_stop(struct seq_file *seq, void *v)
{
	struct rtpe_ktable *kt = pde_data(file_inode(seq->file));

	mutex_unlock(&kt->lock);
}

static int list_show(struct seq_file *seq, void *v)
{
	struct rtpe_ktable *kt = pde_data(file_inode(seq->file));
	const struct rtpe_target *x = rtpe_table_bucket(&kt->core, (unsigned long)v - 1);

	for (; x; x = rtpe_rcu_own(x->next))
		show_target(seq, x);
	return 0;
}

static const struct seq_operations list_seq_ops = {
	.start = list_start,
	.next = list_next,
	.stop = list_stop,
	.show = list_show,
};

static int list_open(struct inode *inode, struct file *file)
{
	return seq_open(file, &list_seq_ops);
}

const struct proc_ops rtpe_list_ops = {
	.proc_open = list_open,
	.proc_release = seq_release,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
};

static int status_show(struct seq_file *seq, void *v)
{
	struct rtpe_ktable *kt = seq->private;
	u32 open;

	mutex_lock(&kt->lock);
	open = kt->owner_pid ? 1 : 0;
	seq_printf(seq, "Refcount:    %u\n", 1 + open);
	seq_printf(seq, "Control PID: %u\n", kt->owner_pid ? pid_vnr(kt->owner_pid) : 0);
	seq_printf(seq, "Opencount:   %u\n", open);
	seq_printf(seq, "Targets:     %u\n", kt->core.num_targets);
	mutex_unlock(&kt->lock);
	return 0;
}

static int status_open(struct inode *inode, struct file *file)
{
	return single_open(file, status_show, pde_data(inode));
}

const struct proc_ops rtpe_status_ops = {
	.proc_open = status_open,
	.proc_release = single_release,
	.proc_read = seq_read,
	.proc_lseek = seq_lseek,
};

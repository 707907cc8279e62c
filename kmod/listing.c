// SPDX-License-Identifier: GPL-2.0-or-later
/* list and status: a table as text. No keys are ever shown. */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "compat.h"
#include "ingress.h"
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

static void show_stats(struct seq_file *seq, const char *indent, const struct rtpe_counters *sum)
{
	seq_printf(seq, "%sstats: %20llu bytes, %20llu packets, %20llu errors\n", indent, sum->bytes, sum->packets,
		   sum->errors);
}

static void show_target_stats(struct seq_file *seq, const struct rtpe_target *x)
{
	static const char * const reasons[RTPE_DROPS] = {
		[RTPE_DROP_SOURCE] = "wrong source",
		[RTPE_DROP_AUTH] = "authentication failed",
		[RTPE_DROP_REPLAY] = "replayed",
		[RTPE_DROP_SSRC] = "unknown SSRC",
		[RTPE_DROP_PAYLOAD_TYPE] = "unknown payload type",
		[RTPE_DROP_MALFORMED] = "malformed",
		[RTPE_DROP_BLACKHOLE] = "blackhole",
		[RTPE_DROP_SEND] = "not sent",
	};
	struct rtpe_target_counters sum;
	u32 i;

	rtpe_target_counters_fold(x->counters, x->table->targets.cpus, &sum);
	show_stats(seq, "    ", &sum.sum);
	if (sum.sum.passed)
		seq_printf(seq, "    passed: %19llu packets\n", sum.sum.passed);
	for (i = 0; i < RTPE_DROPS; i++)
		if (sum.drops[i])
			seq_printf(seq, "    %s: %llu\n", reasons[i], sum.drops[i]);
}

static void show_payload_types(struct seq_file *seq, const struct rtpe_target *x)
{
	const struct rtpe_pt_stats *s = x->details->payload_types;
	u32 i;

	for (i = 0; i < RTPE_MAX_PAYLOAD_TYPES; i++)
		if (s[i].used)
			seq_printf(seq, "        RTP payload type %3u: %20llu bytes, %20llu packets\n", s[i].number,
				   READ_ONCE(s[i].bytes), READ_ONCE(s[i].packets));
}

static void show_ssrcs(struct seq_file *seq, const struct rtpe_target *x)
{
	const struct rtpe_ssrc *s = x->details->ssrc;
	const char *between = "    SSRC in: ";
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS; i++) {
		if (READ_ONCE(s[i].valid) != RTPE_SSRC_VALID)
			continue;
		seq_printf(seq, "%s%x", between, rtpe_read32(&s[i].ssrc));
		between = ", ";
	}
	if (between[0] != ',')
		return;
	seq_putc(seq, '\n');
	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		if (READ_ONCE(s[i].valid) == RTPE_SSRC_VALID)
			seq_printf(seq, "        %x: %llu packets, %llu bytes, %u lost, %u duplicate, %u reordered, jitter %u\n",
				   rtpe_read32(&s[i].ssrc), s[i].packets, s[i].bytes, s[i].lost, s[i].duplicates,
				   s[i].reordered, s[i].jitter / 16);
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
		{ RTPE_TARGET_SSRC_ONLY, "known SSRCs only" },
		{ RTPE_TARGET_CONSUME_FEEDBACK, "RTCP feedback consumed" },
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
	struct rtpe_counters sum;

	seq_printf(seq, "    output #%u\n", i);
	show_addr(seq, "       src", &o->src);
	show_addr(seq, "       dst", &o->dst);
	rtpe_counters_fold(o->counters, x->table->outputs.cpus, &sum);
	show_stats(seq, "      ", &sum);
	if (o->encrypt)
		seq_puts(seq, "      option: SRTP\n");
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
	show_target_stats(seq, x);
	show_payload_types(seq, x);
	show_ssrcs(seq, x);
	if (x->decrypt)
		seq_puts(seq, "    option: SRTP\n");
	show_options(seq, x);
	for (i = 0; i < x->num_outputs; i++)
		show_output(seq, x, i);
}

/* The iterator is a target, the position its slot. */
static void *list_at(struct rtpe_ktable *kt, loff_t *pos)
{
	u32 slot = *pos;
	struct rtpe_target *x = *pos <= U32_MAX ? rtpe_table_next(&kt->core, &slot) : NULL;

	*pos = slot;
	return x;
}

static void *list_start(struct seq_file *seq, loff_t *pos)
{
	struct rtpe_ktable *kt = pde_data(file_inode(seq->file));

	mutex_lock(&kt->lock);
	return list_at(kt, pos);
}

static void *list_next(struct seq_file *seq, void *v, loff_t *pos)
{
	++*pos;
	return list_at(pde_data(file_inode(seq->file)), pos);
}

static void list_stop(struct seq_file *seq, void *v)
{
	struct rtpe_ktable *kt = pde_data(file_inode(seq->file));

	mutex_unlock(&kt->lock);
}

static int list_show(struct seq_file *seq, void *v)
{
	show_target(seq, v);
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
	struct rtpe_intercept_totals totals;
	u32 open;

	mutex_lock(&kt->lock);
	open = kt->owner_pid ? 1 : 0;
	seq_printf(seq, "Refcount:    %u\n", 1 + open);
	seq_printf(seq, "Control PID: %u\n", kt->owner_pid ? pid_vnr(kt->owner_pid) : 0);
	seq_printf(seq, "Opencount:   %u\n", open);
	seq_printf(seq, "Targets:     %u\n", kt->core.num_targets);
	rtpe_ingress_show(seq, kt);
	rtpe_intercept_count(&kt->core, &totals);
	seq_printf(seq, "Calls:       %u\n", totals.calls);
	seq_printf(seq, "Streams:     %u\n", totals.streams);
	seq_printf(seq, "Lost copies: %llu\n", totals.lost);
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

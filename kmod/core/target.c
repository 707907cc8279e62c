// SPDX-License-Identifier: GPL-2.0-or-later
#include "target.h"
#include "table.h"

static bool all_zero(const void *p, u32 len)
{
	const u8 *b = p;

	while (len--)
		if (*b++)
			return false;
	return true;
}

static bool range_valid(u8 start, u8 end, u8 count)
{
	return start <= end && end <= count;
}

static int check_srtp(const struct rtpe_table *table, const struct rtpe_srtp *s)
{
	if (rtpe_srtp_is_plain(s))
		return all_zero(s, sizeof(*s)) ? 0 : -EINVAL;
	return table->crypto ? 0 : -EOPNOTSUPP;
}

static int check_payload_types(const struct rtpe_target_msg *m)
{
	int last = -1;
	u32 i;

	for (i = 0; i < m->num_payload_types; i++) {
		const struct rtpe_payload_type *pt = &m->payload_types[i];

		if (pt->number > 127 || pt->number <= last || pt->flags || pt->reserved)
			return -EINVAL;
		last = pt->number;
	}
	return 0;
}

static int check_output(const struct rtpe_table *table, const struct rtpe_output_msg *o)
{
	if (!rtpe_addr_valid(&o->src) || !rtpe_addr_valid(&o->dst) || o->src.family != o->dst.family)
		return -EINVAL;
	if (o->flags & ~(u32)RTPE_OUTPUT_FLAGS || !all_zero(o->reserved, sizeof(o->reserved)))
		return -EINVAL;
	if (o->flags & RTPE_OUTPUT_FOLLOW && !table->terminal)
		return -EOPNOTSUPP;
	return check_srtp(table, &o->encrypt);
}

/* Ranking needs something to compare with. */
static bool learning_valid(const struct rtpe_target_msg *m)
{
	if (m->best_rank > RTPE_RANK_NONE)
		return false;
	return !(m->flags & RTPE_TARGET_RANK) || (m->flags & RTPE_TARGET_LEARN && m->expected_src.family);
}

static int check(const struct rtpe_table *table, const struct rtpe_target_msg *m, u32 len)
{
	const struct rtpe_output_msg *o = (const void *)(m + 1);
	u32 i;
	int err;

	if (len < sizeof(*m))
		return -EINVAL;
	if (m->num_outputs > RTPE_MAX_OUTPUTS || m->num_payload_types > RTPE_MAX_PAYLOAD_TYPES ||
	    m->num_ssrcs > RTPE_MAX_SSRCS)
		return -ERANGE;
	if (len != sizeof(*m) + m->num_outputs * sizeof(*o) || !all_zero(m->reserved, sizeof(m->reserved)) ||
	    m->flags & ~(u32)RTPE_TARGET_FLAGS || !learning_valid(m))
		return -EINVAL;
	if (!rtpe_addr_valid(&m->local) || m->src_mismatch > RTPE_MISMATCH_PASS)
		return -EINVAL;
	if (!all_zero(&m->expected_src, sizeof(m->expected_src)) && !rtpe_addr_valid(&m->expected_src))
		return -EINVAL;
	if (!range_valid(m->rtp_start, m->rtp_end, m->num_outputs) ||
	    !range_valid(m->rtcp_start, m->rtcp_end, m->num_outputs))
		return -EINVAL;
	err = check_payload_types(m);
	if (!err)
		err = check_srtp(table, &m->decrypt);
	for (i = 0; !err && i < m->num_outputs; i++)
		err = check_output(table, &o[i]);
	return err;
}

/* The output of `old` whose statistics the new output `n` carries on, or NULL. */
static struct rtpe_output *predecessor(struct rtpe_target *old, const struct rtpe_output *n, u32 index)
{
	if (!old || index >= old->num_outputs || !rtpe_addr_equal(&old->outputs[index].src, &n->src))
		return NULL;
	return &old->outputs[index];
}

static int setup_output(struct rtpe_target *t, u32 index, const struct rtpe_output_msg *m, struct rtpe_target *old)
{
	struct rtpe_table *table = t->table;
	struct rtpe_output *o = &t->outputs[index], *before;
	int err;

	o->src = m->src;
	o->dst = m->dst;
	o->tos = m->tos;
	o->follow = m->flags & RTPE_OUTPUT_FOLLOW;
	before = predecessor(old, o, index);
	if (before) {
		o->slot = before->slot;
	} else {
		err = rtpe_stats_take(&table->stats, &o->slot);
		if (err)
			return err;
	}
	o->counters = rtpe_stats_counters(&table->stats, o->slot);
	if (!rtpe_srtp_is_plain(&m->encrypt)) {
		err = table->crypto->setup(&o->encrypt, &m->encrypt);
		if (err)
			return err;
	}
	return table->host->output_init(t, o);
}

static void setup_fields(struct rtpe_target *t, const struct rtpe_target_msg *m)
{
	u32 i;

	t->local = m->local;
	t->expected_src = m->expected_src;
	t->flags = m->flags;
	t->src_mismatch = m->src_mismatch;
	t->best_rank = m->best_rank;
	t->rtp_start = m->rtp_start;
	t->rtp_end = m->rtp_end;
	t->rtcp_start = m->rtcp_start;
	t->rtcp_end = m->rtcp_end;
	for (i = 0; i < m->num_payload_types; i++) {
		t->pt_class[m->payload_types[i].number] = 1 + i;
		t->clock_rates[i] = m->payload_types[i].clock_rate;
	}
	for (i = 0; i < RTPE_MAX_OUTPUTS && i < m->num_outputs; i++)
		t->outputs[i].slot = RTPE_NO_SLOT;
	t->num_outputs = m->num_outputs;
}

/* Gives back the slots that rtpe_target_create() took, not those of `old`. */
static void unwind(struct rtpe_target *t, struct rtpe_target *old)
{
	u32 i;

	t->slots_moved = old != NULL;
	for (i = 0; old && i < t->num_outputs; i++)
		if (predecessor(old, &t->outputs[i], i))
			t->slots_kept |= 1u << i;
	rtpe_target_destroy(t);
}

int rtpe_target_create(struct rtpe_target **out, struct rtpe_table *table, const struct rtpe_target_msg *msg,
		       u32 len, struct rtpe_target *old)
{
	const struct rtpe_output_msg *o = (const void *)(msg + 1);
	struct rtpe_target *t;
	u32 i;
	int err;

	err = check(table, msg, len);
	if (!err && table->host->target_check)
		err = table->host->target_check(table, &msg->local);
	if (err)
		return err;
	t = rtpe_alloc(sizeof(*t) + msg->num_outputs * sizeof(t->outputs[0]));
	if (!t)
		return -ENOMEM;
	t->table = table;
	t->slot = RTPE_NO_SLOT;
	setup_fields(t, msg);
	if (old)
		t->slot = old->slot;
	else
		err = rtpe_stats_take(&table->stats, &t->slot);
	if (!err) {
		t->counters = rtpe_stats_counters(&table->stats, t->slot);
		t->ssrc = rtpe_stats_ssrc(&table->stats, t->slot);
	}
	if (!err && !rtpe_srtp_is_plain(&msg->decrypt))
		err = table->crypto->setup(&t->decrypt, &msg->decrypt);
	for (i = 0; !err && i < t->num_outputs; i++)
		err = setup_output(t, i, &o[i], old);
	if (err) {
		unwind(t, old);
		return err;
	}
	*out = t;
	return 0;
}

void rtpe_target_destroy(struct rtpe_target *t)
{
	struct rtpe_table *table = t->table;
	struct rtpe_output *o;
	u32 i;

	for (i = 0; i < t->num_outputs; i++) {
		o = &t->outputs[i];
		table->host->output_release(o);
		if (o->encrypt)
			table->crypto->destroy(o->encrypt);
		if (o->slot != RTPE_NO_SLOT && !(t->slots_kept & 1u << i))
			rtpe_stats_give(&table->stats, o->slot);
	}
	if (t->decrypt)
		table->crypto->destroy(t->decrypt);
	if (t->slot != RTPE_NO_SLOT && !t->slots_moved)
		rtpe_stats_give(&table->stats, t->slot);
	rtpe_free(t);
}

void rtpe_target_succeed(struct rtpe_target *t, struct rtpe_target *old)
{
	u32 i;

	old->slots_moved = true;
	for (i = 0; i < t->num_outputs; i++)
		if (predecessor(old, &t->outputs[i], i))
			old->slots_kept |= 1u << i;
}

u32 rtpe_target_state_bytes(const struct rtpe_target *t)
{
	return sizeof(struct rtpe_state) + t->num_outputs * sizeof(struct rtpe_output_state);
}

void rtpe_target_state(const struct rtpe_target *t, struct rtpe_state *out)
{
	struct rtpe_output_state *o = (void *)(out + 1);
	u32 cpus = t->table->stats.cpus, i;

	memset(out, 0, rtpe_target_state_bytes(t));
	out->local = t->local;
	out->expected_src = t->expected_src;
	out->length = rtpe_target_state_bytes(t);
	out->slot = t->slot;
	out->flags = t->flags;
	out->src_mismatch = t->src_mismatch;
	out->num_outputs = t->num_outputs;
	rtpe_counters_fold(t->counters, cpus, &out->counters);
	memcpy(out->ssrc, t->ssrc, sizeof(out->ssrc));
	for (i = 0; i < t->num_outputs; i++) {
		o[i].src = t->outputs[i].src;
		o[i].dst = t->outputs[i].dst;
		o[i].slot = t->outputs[i].slot;
		rtpe_counters_fold(t->outputs[i].counters, cpus, &o[i].counters);
	}
}

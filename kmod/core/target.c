// SPDX-License-Identifier: GPL-2.0-or-later
#include "target.h"
#include "ssrc.h"
#include "table.h"

/* The output of `old` whose statistics and SRTP state the new output `n` carries on, or NULL. */
static struct rtpe_output *predecessor(struct rtpe_target *old, const struct rtpe_output *n, u32 index)
{
	if (!old || index >= old->num_outputs || !rtpe_addr_equal(&old->outputs[index].src, &n->src))
		return NULL;
	return &old->outputs[index];
}

/*
 * The keys in `parts`; if they are those of `before`, the very same object, so that
 * packets that still see the old target and those that see the new one share their indices.
 * Where only other parameters differ, the indices go on as well.
 */
static int setup_srtp(struct rtpe_table *table, const struct rtpe_parts *parts, struct rtpe_crypto *before,
		      struct rtpe_crypto **out)
{
	const struct rtpe_srtp *srtp = parts->entries[RTPE_PART_SRTP];
	int err;

	if (!srtp)
		return 0;
	if (!table->ciphers)
		return -EOPNOTSUPP;
	if (before && rtpe_crypto_is(before, srtp)) {
		*out = rtpe_crypto_ref(before);
		return 0;
	}
	err = rtpe_crypto_open(out, table->ciphers, srtp);
	return err || !before || !rtpe_crypto_shares_keys(before, srtp) ? err : rtpe_crypto_follow(*out, before);
}

static int setup_output(struct rtpe_target *t, u32 index, const struct rtpe_parts *parts, struct rtpe_target *old)
{
	const struct rtpe_output_msg *m = parts->entries[RTPE_PART_OUTPUT];
	struct rtpe_rewrite_parts rewrite = rtpe_message_rewrite(parts);
	struct rtpe_output *o = &t->outputs[index], *before;
	struct rtpe_table *table = t->table;
	int err = 0;

	if (m->flags & RTPE_OUTPUT_FOLLOW && !table->terminal)
		return -EOPNOTSUPP;
	o->src = m->src;
	o->dst = m->dst;
	o->tos = m->tos;
	o->flags = m->flags;
	before = predecessor(old, o, index);
	if (before)
		o->slot = before->slot;
	else
		err = rtpe_stats_take(&table->outputs, &o->slot);
	if (err)
		return err;
	o->counters = rtpe_stats_counters(&table->outputs, o->slot);
	err = rtpe_rewrite_create(&o->rewrite, &rewrite);
	if (!err)
		err = setup_srtp(table, parts, before ? before->encrypt : NULL, &o->encrypt);
	if (err)
		return err;
	if (o->encrypt)
		rtpe_crypto_mirror(o->encrypt, t->decrypt);
	o->growth = (o->rewrite ? rtpe_rewrite_growth(o->rewrite) : 0) +
		    (o->encrypt ? rtpe_crypto_growth(o->encrypt) : 0);
	return table->host->output_init(t, o);
}

/* The entry that counts a payload type: the one it has, a free one, or one that counts a type not wanted any more. */
static u8 place_pt_stats(const struct rtpe_target *t, u8 number)
{
	struct rtpe_pt_stats *s = t->details->payload_types;
	u8 found = 0, i;

	for (i = 0; i < RTPE_MAX_PAYLOAD_TYPES; i++)
		if (s[i].used && s[i].number == number)
			return i;
	for (i = RTPE_MAX_PAYLOAD_TYPES; i--;)
		if (s[i].used && !t->pt_class[s[i].number])
			found = i;
	for (i = RTPE_MAX_PAYLOAD_TYPES; i--;)
		if (!s[i].used)
			found = i;
	memset(&s[found], 0, sizeof(s[found]));
	s[found].number = number;
	s[found].used = 1;
	return found;
}

static void setup_payload_types(struct rtpe_target *t, const struct rtpe_parts *parts)
{
	const struct rtpe_payload_type *pt = parts->entries[RTPE_PART_PAYLOAD_TYPES];
	u32 count = parts->count[RTPE_PART_PAYLOAD_TYPES], i;

	for (i = 0; i < count; i++)
		t->pt_class[pt[i].number] = (u8)(1 + i);
	for (i = 0; i < count; i++) {
		t->payload_types[i].clock_rate = pt[i].clock_rate;
		t->payload_types[i].group = pt[i].group;
		t->payload_types[i].reported = pt[i].flags & RTPE_PAYLOAD_TYPE_REPORTED;
		t->payload_types[i].stats = place_pt_stats(t, pt[i].number);
	}
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
	for (i = 0; i < m->num_outputs; i++)
		t->outputs[i].slot = RTPE_NO_SLOT;
	t->num_outputs = m->num_outputs;
}

static void setup_sources(struct rtpe_target *t, const struct rtpe_parts *parts)
{
	t->num_sources = parts->count[RTPE_PART_SOURCES];
	if (t->num_sources)
		memcpy(t->sources, parts->entries[RTPE_PART_SOURCES], t->num_sources * sizeof(t->sources[0]));
}

static int setup_slot(struct rtpe_target *t, const struct rtpe_target *old)
{
	struct rtpe_stats *stats = &t->table->targets;
	int err = 0;

	if (old)
		t->slot = old->slot;
	else
		err = rtpe_stats_take(stats, &t->slot);
	if (err)
		return err;
	t->counters = rtpe_stats_counters(stats, t->slot);
	t->details = rtpe_stats_details(stats, t->slot);
	return 0;
}

static int setup_stream(struct rtpe_table *table, u32 index, struct rtpe_stream_queue **out)
{
	if (!index)
		return 0;
	*out = rtpe_stream_get(table, index);
	return *out ? 0 : -ENOENT;
}

static int setup_groups(struct rtpe_target *t, const struct rtpe_message *m)
{
	const struct rtpe_payload_type *types = m->parts.entries[RTPE_PART_PAYLOAD_TYPES];
	u32 count = m->parts.count[RTPE_PART_GROUPS], i;
	int err;

	if (!count)
		return 0;
	err = rtpe_groups_create(&t->groups, m->parts.entries[RTPE_PART_GROUPS], count, m->target->mid_id);
	for (i = 0; !err && i < m->parts.count[RTPE_PART_PAYLOAD_TYPES]; i++)
		rtpe_groups_payload_type(t->groups, types[i].number, types[i].group);
	return err;
}

/* What the target itself needs, but for its outputs. */
static int setup(struct rtpe_target *t, const struct rtpe_message *m, struct rtpe_target *old)
{
	const struct rtpe_parts *parts = &m->parts;
	int err;

	err = setup_slot(t, old);
	if (!err)
		err = setup_groups(t, m);
	if (!err)
		err = setup_stream(t->table, m->target->stream, &t->stream);
	if (!err)
		err = setup_stream(t->table, m->target->rtcp_stream, &t->rtcp_stream);
	if (!err)
		err = setup_srtp(t->table, parts, old ? old->decrypt : NULL, &t->decrypt);
	return err;
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

int rtpe_target_create(struct rtpe_target **out, struct rtpe_table *table, const struct rtpe_message *m,
		       struct rtpe_target *old)
{
	struct rtpe_target *t;
	int err;
	u32 i;

	if (table->host->target_check) {
		err = table->host->target_check(table, &m->target->local);
		if (err)
			return err;
	}
	t = rtpe_alloc(sizeof(*t) + m->target->num_outputs * sizeof(t->outputs[0]));
	if (!t)
		return -ENOMEM;
	t->table = table;
	t->slot = RTPE_NO_SLOT;
	setup_fields(t, m->target);
	setup_sources(t, &m->parts);
	t->inner = table->host->is_inner && table->host->is_inner(t);
	err = setup(t, m, old);
	for (i = 0; !err && i < t->num_outputs; i++)
		err = setup_output(t, i, &m->outputs[i], old);
	if (err) {
		unwind(t, old);
		return err;
	}
	/* Last: it changes statistics that the old target shares. */
	setup_payload_types(t, &m->parts);
	*out = t;
	return 0;
}

static void release_output(struct rtpe_target *t, u32 index)
{
	struct rtpe_output *o = &t->outputs[index];

	t->table->host->output_release(o);
	if (o->encrypt)
		rtpe_crypto_unref(o->encrypt);
	if (o->rewrite)
		rtpe_rewrite_destroy(o->rewrite);
	if (o->slot != RTPE_NO_SLOT && !(t->slots_kept & 1u << index))
		rtpe_stats_give(&t->table->outputs, o->slot);
}

void rtpe_target_destroy(struct rtpe_target *t)
{
	u32 i;

	for (i = 0; i < t->num_outputs; i++)
		release_output(t, i);
	if (t->decrypt)
		rtpe_crypto_unref(t->decrypt);
	if (t->groups)
		rtpe_groups_destroy(t->groups);
	if (t->stream)
		rtpe_stream_unref(t->stream);
	if (t->rtcp_stream)
		rtpe_stream_unref(t->rtcp_stream);
	if (t->slot != RTPE_NO_SLOT && !t->slots_moved)
		rtpe_stats_give(&t->table->targets, t->slot);
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

static void seed_srtp(struct rtpe_crypto *c, const struct rtpe_parts *parts)
{
	const struct rtpe_srtp_state *s = parts->entries[RTPE_PART_SRTP_STATES];
	u32 i;

	for (i = 0; i < parts->count[RTPE_PART_SRTP_STATES]; i++)
		rtpe_crypto_seed(c, &s[i]);
}

void rtpe_target_seed(struct rtpe_target *t, const struct rtpe_message *m)
{
	const struct rtpe_ssrc *s = m->parts.entries[RTPE_PART_SSRCS];
	u32 i;

	for (i = 0; i < m->parts.count[RTPE_PART_SSRCS]; i++)
		rtpe_ssrc_seed(t->details->ssrc, &s[i]);
	seed_srtp(t->decrypt, &m->parts);
	for (i = 0; i < t->num_outputs; i++)
		seed_srtp(t->outputs[i].encrypt, &m->outputs[i]);
}

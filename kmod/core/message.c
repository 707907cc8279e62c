// SPDX-License-Identifier: GPL-2.0-or-later
#include "message.h"
#include "crypto.h"
#include "group.h"

#define OF_TARGET 1
#define OF_OUTPUT 2

static const struct {
	u16 entry;		/* bytes */
	u8 max;
	u8 where;
} kinds[RTPE_PART_KINDS] = {
	[RTPE_PART_PAYLOAD_TYPES] = { sizeof(struct rtpe_payload_type), RTPE_MAX_PAYLOAD_TYPES, OF_TARGET },
	[RTPE_PART_SSRCS] = { sizeof(struct rtpe_ssrc), RTPE_MAX_SSRCS, OF_TARGET },
	[RTPE_PART_GROUPS] = { sizeof(struct rtpe_group), RTPE_MAX_GROUPS, OF_TARGET },
	[RTPE_PART_SRTP] = { sizeof(struct rtpe_srtp), 1, OF_TARGET | OF_OUTPUT },
	[RTPE_PART_SRTP_STATES] = { sizeof(struct rtpe_srtp_state), RTPE_MAX_SSRCS, OF_TARGET | OF_OUTPUT },
	[RTPE_PART_OUTPUT] = { sizeof(struct rtpe_output_msg), 1, OF_OUTPUT },
	[RTPE_PART_SSRC_MAP] = { sizeof(struct rtpe_ssrc_map), RTPE_MAX_SSRC_MAPS, OF_OUTPUT },
	[RTPE_PART_RULES] = { sizeof(struct rtpe_rule), RTPE_MAX_RULES, OF_OUTPUT },
	[RTPE_PART_EXTENSIONS] = { sizeof(struct rtpe_extensions), 1, OF_OUTPUT },
	[RTPE_PART_MID] = { sizeof(struct rtpe_mid), 1, OF_OUTPUT },
	[RTPE_PART_SOURCES] = { sizeof(struct rtpe_addr), RTPE_MAX_SOURCES, OF_TARGET },
};

static bool all_zero(const void *p, u32 len)
{
	const u8 *b = p;

	while (len--)
		if (*b++)
			return false;
	return true;
}

/* The header of the part at `at`, whose entries are those of its kind and lie inside the message. */
static int check_part(const struct rtpe_part *part, u32 room)
{
	if (room < sizeof(*part) || part->length > room || !part->kind || part->kind >= RTPE_PART_KINDS ||
	    !kinds[part->kind].entry || !part->count)
		return -EINVAL;
	if (part->count > kinds[part->kind].max)
		return -ERANGE;
	return part->length == sizeof(*part) + part->count * kinds[part->kind].entry ? 0 : -EINVAL;
}

static int take_parts(struct rtpe_message *m, const u8 *at, u32 room)
{
	struct rtpe_parts *owner = &m->parts;
	u32 outputs = 0;
	int err;

	while (room) {
		const struct rtpe_part *part = (const void *)at;

		err = check_part(part, room);
		if (err)
			return err;
		if (part->kind == RTPE_PART_OUTPUT) {
			if (outputs == m->target->num_outputs)
				return -EINVAL;
			owner = &m->outputs[outputs++];
		}
		if (!(kinds[part->kind].where & (owner == &m->parts ? OF_TARGET : OF_OUTPUT)) ||
		    owner->entries[part->kind])
			return -EINVAL;
		owner->entries[part->kind] = part + 1;
		owner->count[part->kind] = (u8)part->count;
		at += part->length;
		room -= part->length;
	}
	return outputs == m->target->num_outputs ? 0 : -EINVAL;
}

static int check_payload_types(const struct rtpe_parts *parts)
{
	const struct rtpe_payload_type *pt = parts->entries[RTPE_PART_PAYLOAD_TYPES];
	u32 groups = parts->count[RTPE_PART_GROUPS], i;

	for (i = 0; i < parts->count[RTPE_PART_PAYLOAD_TYPES]; i++) {
		if (pt[i].number > 127 || (i && pt[i].number <= pt[i - 1].number) ||
		    pt[i].flags & ~(u32)RTPE_PAYLOAD_TYPE_FLAGS)
			return -EINVAL;
		if (pt[i].group && pt[i].group >= groups)
			return -EINVAL;
	}
	return 0;
}

static int check_trackers(const struct rtpe_parts *parts)
{
	const struct rtpe_ssrc *s = parts->entries[RTPE_PART_SSRCS];
	u32 i;

	for (i = 0; i < parts->count[RTPE_PART_SSRCS]; i++)
		if (!all_zero(s[i].reserved, sizeof(s[i].reserved)))
			return -EINVAL;
	return 0;
}

static int check_srtp(const struct rtpe_parts *parts)
{
	const struct rtpe_srtp *srtp = parts->entries[RTPE_PART_SRTP];
	const struct rtpe_srtp_state *state = parts->entries[RTPE_PART_SRTP_STATES];
	u32 i;

	if (state && !srtp)
		return -EINVAL;
	for (i = 0; i < parts->count[RTPE_PART_SRTP_STATES]; i++)
		if (rtpe_crypto_state_check(&state[i]))
			return -EINVAL;
	return srtp ? rtpe_crypto_check(srtp) : 0;
}

struct rtpe_rewrite_parts rtpe_message_rewrite(const struct rtpe_parts *output)
{
	const struct rtpe_output_msg *o = output->entries[RTPE_PART_OUTPUT];

	return (struct rtpe_rewrite_parts){
		.maps = output->entries[RTPE_PART_SSRC_MAP],
		.num_maps = output->count[RTPE_PART_SSRC_MAP],
		.rules = output->entries[RTPE_PART_RULES],
		.num_rules = output->count[RTPE_PART_RULES],
		.extensions = output->entries[RTPE_PART_EXTENSIONS],
		.mid = output->entries[RTPE_PART_MID],
		.strip_feedback = o->flags & RTPE_OUTPUT_STRIP_FEEDBACK,
	};
}

static int check_output(const struct rtpe_parts *parts)
{
	const struct rtpe_output_msg *o = parts->entries[RTPE_PART_OUTPUT];
	struct rtpe_rewrite_parts rewrite = rtpe_message_rewrite(parts);
	int err;

	if (!rtpe_addr_valid(&o->src) || !rtpe_addr_valid(&o->dst) || o->src.family != o->dst.family)
		return -EINVAL;
	if (o->flags & ~(u32)RTPE_OUTPUT_FLAGS || !all_zero(o->reserved, sizeof(o->reserved)))
		return -EINVAL;
	err = check_srtp(parts);
	return err ? err : rtpe_rewrite_check(&rewrite);
}

static bool range_valid(u8 start, u8 end, u8 count)
{
	return start <= end && end <= count;
}

/* Ranking needs something to compare with. */
static bool learning_valid(const struct rtpe_target_msg *m)
{
	if (m->best_rank > RTPE_RANK_NONE)
		return false;
	return !(m->flags & RTPE_TARGET_RANK) || (m->flags & RTPE_TARGET_LEARN && m->expected_src.family);
}

static int check_target(const struct rtpe_target_msg *m)
{
	if (m->num_outputs > RTPE_MAX_OUTPUTS)
		return -ERANGE;
	if (m->reserved || m->flags & ~(u32)RTPE_TARGET_FLAGS || !learning_valid(m))
		return -EINVAL;
	if (!rtpe_addr_valid(&m->local) || m->src_mismatch > RTPE_MISMATCH_PASS)
		return -EINVAL;
	if (!all_zero(&m->expected_src, sizeof(m->expected_src)) && !rtpe_addr_valid(&m->expected_src))
		return -EINVAL;
	if (!range_valid(m->rtp_start, m->rtp_end, m->num_outputs) ||
	    !range_valid(m->rtcp_start, m->rtcp_end, m->num_outputs))
		return -EINVAL;
	return 0;
}

static int check_sources(const struct rtpe_message *m)
{
	const struct rtpe_addr *source = m->parts.entries[RTPE_PART_SOURCES];
	u32 i;

	if (source && !m->target->expected_src.family)
		return -EINVAL;
	for (i = 0; i < m->parts.count[RTPE_PART_SOURCES]; i++)
		if (!rtpe_addr_valid(&source[i]))
			return -EINVAL;
	return 0;
}

static int check_groups(const struct rtpe_message *m)
{
	const struct rtpe_target_msg *t = m->target;
	u32 count = m->parts.count[RTPE_PART_GROUPS];

	if (!count)
		return t->mid_id ? -EINVAL : 0;
	/* The ranges of the groups are used in place of these. */
	if (t->rtp_end || t->rtcp_end)
		return -EINVAL;
	return rtpe_groups_check(m->parts.entries[RTPE_PART_GROUPS], count, t->num_outputs, t->mid_id);
}

int rtpe_message_parse(struct rtpe_message *m, const struct rtpe_target_msg *msg, u32 len)
{
	int err;
	u32 i;

	memset(m, 0, sizeof(*m));
	if (len < sizeof(*msg))
		return -EINVAL;
	m->target = msg;
	err = check_target(msg);
	if (!err)
		err = take_parts(m, (const u8 *)(msg + 1), len - (u32)sizeof(*msg));
	if (!err)
		err = check_payload_types(&m->parts);
	if (!err)
		err = check_trackers(&m->parts);
	if (!err)
		err = check_srtp(&m->parts);
	if (!err)
		err = check_sources(m);
	if (!err)
		err = check_groups(m);
	for (i = 0; !err && i < msg->num_outputs; i++)
		err = check_output(&m->outputs[i]);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "state.h"
#include "table.h"

static u32 srtp_states_max(const struct rtpe_crypto *c)
{
	return c ? sizeof(struct rtpe_part) + RTPE_MAX_SSRCS * sizeof(struct rtpe_srtp_state) : 0;
}

u32 rtpe_state_max(const struct rtpe_target *t)
{
	u32 bytes = sizeof(struct rtpe_state) + 2 * sizeof(struct rtpe_part) + sizeof(struct rtpe_details), i;

	bytes += srtp_states_max(t->decrypt);
	for (i = 0; i < t->num_outputs; i++)
		bytes += sizeof(struct rtpe_part) + sizeof(struct rtpe_output_state) +
			 srtp_states_max(t->outputs[i].encrypt);
	return bytes;
}

/* Closes a part whose `count` entries of `entry` bytes are in place already; returns what follows it. */
static u8 *close_part(struct rtpe_part *part, u16 kind, u32 count, u32 entry)
{
	if (!count)
		return (u8 *)part;
	part->kind = kind;
	part->count = (u16)count;
	part->length = sizeof(*part) + count * entry;
	return (u8 *)part + part->length;
}

static u8 *write_ssrcs(const struct rtpe_target *t, u8 *at)
{
	struct rtpe_part *part = (void *)at;
	struct rtpe_ssrc *out = (void *)(part + 1);
	u32 i, n = 0;

	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		if (READ_ONCE(t->details->ssrc[i].valid) == RTPE_SSRC_VALID)
			out[n++] = t->details->ssrc[i];
	return close_part(part, RTPE_PART_SSRCS, n, sizeof(*out));
}

static u8 *write_payload_types(const struct rtpe_target *t, u8 *at)
{
	struct rtpe_part *part = (void *)at;
	struct rtpe_pt_stats *out = (void *)(part + 1);
	u32 i, n = 0;

	for (i = 0; i < RTPE_MAX_PAYLOAD_TYPES; i++)
		if (t->details->payload_types[i].used)
			out[n++] = t->details->payload_types[i];
	return close_part(part, RTPE_PART_PT_STATS, n, sizeof(*out));
}

static u8 *write_srtp(struct rtpe_crypto *c, u8 *at)
{
	struct rtpe_part *part = (void *)at;

	if (!c)
		return at;
	return close_part(part, RTPE_PART_SRTP_STATES, rtpe_crypto_states(c, (void *)(part + 1)),
			  sizeof(struct rtpe_srtp_state));
}

static u8 *write_output(const struct rtpe_target *t, const struct rtpe_output *o, u8 *at)
{
	struct rtpe_part *part = (void *)at;
	struct rtpe_output_state *s = (void *)(part + 1);

	s->src = o->src;
	s->dst = o->dst;
	s->slot = o->slot;
	s->flags = o->flags;
	rtpe_counters_fold(o->counters, t->table->outputs.cpus, &s->counters);
	return write_srtp(o->encrypt, close_part(part, RTPE_PART_OUTPUT_STATE, 1, sizeof(*s)));
}

u32 rtpe_state_write(const struct rtpe_target *t, void *out)
{
	struct rtpe_state *s = out;
	u8 *at = (u8 *)(s + 1);
	u32 i;

	memset(s, 0, sizeof(*s));
	s->local = t->local;
	s->expected_src = t->expected_src;
	s->slot = t->slot;
	s->flags = t->flags;
	s->src_mismatch = t->src_mismatch;
	s->num_outputs = t->num_outputs;
	rtpe_target_counters_fold(t->counters, t->table->targets.cpus, &s->counters);
	at = write_ssrcs(t, at);
	at = write_payload_types(t, at);
	at = write_srtp(t->decrypt, at);
	for (i = 0; i < t->num_outputs; i++)
		at = write_output(t, &t->outputs[i], at);
	s->length = (u32)(at - (u8 *)out);
	return s->length;
}

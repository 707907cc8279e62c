// SPDX-License-Identifier: GPL-3.0-or-later
/* ADD_TARGET: each way a message can be wrong, and that it leaves no trace then. */
#include "check.h"
#include "support.h"

static struct script script;

static struct rtpe_addr here(void)
{
	return address4(0x7f000001, 5000);
}

struct spoiled {
	const char *name;
	int error;
	void (*spoil)(struct message *m);
};

#define SPOIL(name, statement) static void name(struct message *m) { statement; }
SPOIL(no_family, m->target.local.family = 0)
SPOIL(no_port, m->target.local.port = 0)
SPOIL(bytes_behind_ip4, m->target.local.ip[4] = 1)
SPOIL(reserved_in_address, m->target.local.reserved = 1)
SPOIL(reserved_in_target, memset(&m->target.reserved, 1, 1))
SPOIL(unknown_flags, m->target.flags |= 0x40000000)
SPOIL(highest_flag, m->target.flags |= 0x80000000)
SPOIL(unknown_mismatch, m->target.src_mismatch = 3)
SPOIL(half_a_source, m->target.expected_src.port = 5)
SPOIL(range_beyond, m->target.rtp_end = 3)
SPOIL(range_reversed, m->target.rtp_start = 2; m->target.rtp_end = 1)
SPOIL(rtcp_range_beyond, m->target.rtcp_end = 3)
SPOIL(rtcp_range_reversed, m->target.rtcp_start = 1; m->target.rtcp_end = 0)
SPOIL(families_differ, m->outputs[1].dst = address6(1, 5))
SPOIL(source_without_port, m->outputs[0].src.port = 0)
SPOIL(destination_without_family, m->outputs[1].dst.family = 0)
SPOIL(output_flags, m->outputs[1].flags = 0x80000000)
SPOIL(output_reserved, m->outputs[0].reserved[2] = 1)
SPOIL(tracker_reserved, m->num_ssrcs = 1; m->ssrc[0].reserved[1] = 1)
SPOIL(payload_type_128, m->payload_types[0].number = 128)
SPOIL(payload_type_group, m->payload_types[0].group = 1)
SPOIL(payload_type_flags, m->payload_types[0].flags = 2)
SPOIL(payload_type_twice, m->num_payload_types = 2)
SPOIL(payload_types_descending, m->num_payload_types = 2; m->payload_types[0].number = 8)
SPOIL(outputs_missing, m->target.num_outputs = 3)
SPOIL(outputs_surplus, m->target.num_outputs = 1; m->target.rtp_end = m->target.rtcp_end = 1)
SPOIL(mid_without_groups, m->target.mid_id = 1)
SPOIL(no_such_stream, m->target.stream = 7)
SPOIL(no_such_rtcp_stream, m->target.rtcp_stream = 7)
SPOIL(outputs_too_many, m->target.num_outputs = 33)
SPOIL(payload_types_too_many, m->num_payload_types = 33)
SPOIL(ssrcs_too_many, m->num_ssrcs = 9)
SPOIL(cipher, m->decrypt.cipher = RTPE_CIPHER_AES_CM_128)
SPOIL(hmac, m->decrypt.hmac = RTPE_HMAC_SHA1)
SPOIL(unknown_cipher, m->encrypt[1].cipher = 99)

static const struct spoiled spoiled[] = {
	{ "address without family", -EINVAL, no_family },
	{ "address without port", -EINVAL, no_port },
	{ "bytes behind an IPv4 address", -EINVAL, bytes_behind_ip4 },
	{ "reserved field of an address", -EINVAL, reserved_in_address },
	{ "reserved field of the target", -EINVAL, reserved_in_target },
	{ "unknown flag", -EINVAL, unknown_flags },
	{ "highest flag", -EINVAL, highest_flag },
	{ "unknown src_mismatch", -EINVAL, unknown_mismatch },
	{ "expected source without family", -EINVAL, half_a_source },
	{ "RTP range beyond the outputs", -EINVAL, range_beyond },
	{ "RTP range reversed", -EINVAL, range_reversed },
	{ "RTCP range beyond the outputs", -EINVAL, rtcp_range_beyond },
	{ "RTCP range reversed", -EINVAL, rtcp_range_reversed },
	{ "families of an output differ", -EINVAL, families_differ },
	{ "output source without port", -EINVAL, source_without_port },
	{ "output destination without family", -EINVAL, destination_without_family },
	{ "output flags", -EINVAL, output_flags },
	{ "output reserved", -EINVAL, output_reserved },
	{ "reserved field of a tracker", -EINVAL, tracker_reserved },
	{ "payload type 128", -EINVAL, payload_type_128 },
	{ "payload type of no group", -EINVAL, payload_type_group },
	{ "flags of a payload type", -EINVAL, payload_type_flags },
	{ "payload type twice", -EINVAL, payload_type_twice },
	{ "payload types descending", -EINVAL, payload_types_descending },
	{ "an output missing", -EINVAL, outputs_missing },
	{ "an output too many", -EINVAL, outputs_surplus },
	{ "MID without groups", -EINVAL, mid_without_groups },
	{ "no such stream", -ENOENT, no_such_stream },
	{ "no such RTCP stream", -ENOENT, no_such_rtcp_stream },
	{ "33 outputs", -ERANGE, outputs_too_many },
	{ "33 payload types", -ERANGE, payload_types_too_many },
	{ "9 SSRCs", -ERANGE, ssrcs_too_many },
	{ "cipher without key", -EOPNOTSUPP, cipher },
	{ "HMAC alone", -EOPNOTSUPP, hmac },
	{ "unknown cipher in an output", -EOPNOTSUPP, unknown_cipher },
};

TEST(command_add_errors)
{
	struct rtpe_addr a = here();
	struct message m;
	struct bench b;
	u32 i, replace;

	bench_greet(&b, &script);
	/* Over nothing, then over a target that must survive. */
	for (replace = 0; replace < 2; replace++) {
		for (i = 0; i < COUNT(spoiled); i++) {
			check_case(spoiled[i].name);
			message_init(&m, &a, 2);
			spoiled[i].spoil(&m);
			CHECK_EQ(script_add(&script, &b, (u16)replace, &m), spoiled[i].error);
			CHECK_EQ(b.table.num_targets, replace);
			CHECK_EQ(b.outputs, 2 * replace);
			CHECK_EQ(bench_slots(&b), 3 * replace);
		}
		check_case("");
		message_init(&m, &a, 2);
		CHECK_EQ(script_add(&script, &b, 0, &m), replace ? -EEXIST : 0);
		CHECK_EQ(script_add(&script, &b, 2, &m), -EINVAL);
	}
	bench_exit(&b);
}

/* A message of which `spoil` changed some bytes, or the length. */
static int add_spoiled(struct bench *b, void (*spoil)(struct packed *p))
{
	struct rtpe_addr a = here();
	struct message m;
	struct packed p;

	message_init(&m, &a, 2);
	message_pack(&p, &m);
	spoil(&p);
	return script_one(&script, b, RTPE_ADD_TARGET, 0, p.bytes, p.len);
}

static struct rtpe_part *first_part(struct packed *p)
{
	return (void *)((u8 *)p->bytes + sizeof(struct rtpe_target_msg));
}

#define SPOIL_PACKED(name, statement) static void name(struct packed *p) { statement; }
SPOIL_PACKED(nothing_at_all, p->len = 0)
SPOIL_PACKED(half_a_head, p->len = 8)
SPOIL_PACKED(cut_inside_a_part, p->len -= 8)
SPOIL_PACKED(zeroes_behind, memset((u8 *)p->bytes + p->len, 0, 8); p->len += 8)
SPOIL_PACKED(kind_zero, first_part(p)->kind = 0)
SPOIL_PACKED(kind_unknown, first_part(p)->kind = 99)
SPOIL_PACKED(kind_of_replies, first_part(p)->kind = RTPE_PART_PT_STATS)
SPOIL_PACKED(count_zero, first_part(p)->count = 0)
SPOIL_PACKED(count_differs, first_part(p)->count = 2)
SPOIL_PACKED(part_beyond, first_part(p)->length = 65536)
SPOIL_PACKED(part_shorter_than_its_head, first_part(p)->length = 0)
SPOIL_PACKED(part_of_an_output, struct rtpe_extensions e = { 0 };
	p->len = sizeof(struct rtpe_target_msg); pack_part(p, RTPE_PART_EXTENSIONS, 1, &e, sizeof(e)))
SPOIL_PACKED(part_of_the_target, struct rtpe_ssrc e = { 0 }; pack_part(p, RTPE_PART_SSRCS, 1, &e, sizeof(e)))
SPOIL_PACKED(part_twice, struct rtpe_extensions e = { 0 };
	pack_part(p, RTPE_PART_EXTENSIONS, 1, &e, sizeof(e)); pack_part(p, RTPE_PART_EXTENSIONS, 1, &e, sizeof(e)))
SPOIL_PACKED(state_without_keys, struct rtpe_srtp_state e = { .valid = 1 };
	pack_part(p, RTPE_PART_SRTP_STATES, 1, &e, sizeof(e)))

/* A target without outputs that has this one source beside `expected`. */
static void with_source(struct packed *p, struct rtpe_addr expected, struct rtpe_addr source)
{
	struct rtpe_target_msg *t = (void *)p->bytes;

	t->expected_src = expected;
	t->num_outputs = t->rtp_end = t->rtcp_end = 0;
	p->len = sizeof(*t);
	pack_part(p, RTPE_PART_SOURCES, 1, &source, sizeof(source));
}

SPOIL_PACKED(sources_without_a_first, struct rtpe_addr none = { 0 }; with_source(p, none, here()))
SPOIL_PACKED(further_source_without_port, struct rtpe_addr e = here(); e.port = 0; with_source(p, here(), e))
SPOIL_PACKED(further_source, with_source(p, here(), here()))
SPOIL_PACKED(groups_beside_ranges, struct rtpe_group e = { 0 };
	p->len = sizeof(struct rtpe_target_msg); pack_part(p, RTPE_PART_GROUPS, 1, &e, sizeof(e)))

TEST(command_add_bad_parts)
{
	static const struct {
		const char *name;
		void (*spoil)(struct packed *p);
	} rows[] = {
		{ "nothing", nothing_at_all },
		{ "half a head", half_a_head },
		{ "cut inside a part", cut_inside_a_part },
		{ "zeroes behind", zeroes_behind },
		{ "kind 0", kind_zero },
		{ "unknown kind", kind_unknown },
		{ "a kind of replies", kind_of_replies },
		{ "no entries", count_zero },
		{ "count and length differ", count_differs },
		{ "a part beyond the end", part_beyond },
		{ "a part shorter than its head", part_shorter_than_its_head },
		{ "a part of outputs without output", part_of_an_output },
		{ "a part of the target behind an output", part_of_the_target },
		{ "a part twice", part_twice },
		{ "SRTP state without keys", state_without_keys },
		{ "further sources without a first one", sources_without_a_first },
		{ "a further source without port", further_source_without_port },
		{ "groups beside ranges", groups_beside_ranges },
	};
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		CHECK_EQ(add_spoiled(&b, rows[i].spoil), -EINVAL);
		CHECK_EQ(b.table.num_targets, 0);
		CHECK_EQ(bench_slots(&b), 0);
	}
	check_case("none of these");
	CHECK_EQ(add_spoiled(&b, further_source), 0);
	bench_exit(&b);
}

TEST(command_add_passes_on_what_the_host_says)
{
	struct rtpe_addr a = here();
	struct message m;
	struct bench b;

	bench_greet(&b, &script);
	b.fail_at = 2;
	message_init(&m, &a, 2);
	CHECK_EQ(script_add(&script, &b, 0, &m), -EHOSTUNREACH);
	b.fail_at = 0;
	CHECK_EQ(script_add(&script, &b, 0, &m), 0);
	bench_exit(&b);
}

TEST(command_largest_target)
{
	const struct rtpe_add_reply *r;
	struct rtpe_addr a = here();
	struct message m;
	struct bench b;
	u32 i, k;

	bench_greet(&b, &script);
	message_init(&m, &a, RTPE_MAX_OUTPUTS);
	m.num_payload_types = RTPE_MAX_PAYLOAD_TYPES;
	m.num_ssrcs = RTPE_MAX_SSRCS;
	for (i = 0; i < RTPE_MAX_PAYLOAD_TYPES; i++)
		m.payload_types[i].number = (u8)(96 + i);
	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		m.ssrc[i].ssrc = i;
	CHECK_EQ(script_add(&script, &b, 0, &m), 0);
	r = (const void *)(script_reply(&script, 0) + 1);
	CHECK_EQ(r->num_outputs, RTPE_MAX_OUTPUTS);
	for (i = 0; i < RTPE_MAX_OUTPUTS; i++) {
		for (k = 0; k < i; k++)
			CHECK(r->output_slots[i] != r->output_slots[k]);
	}
	bench_exit(&b);
}

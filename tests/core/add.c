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
SPOIL(key_without_cipher, m->target.decrypt.key[3] = 1)
SPOIL(output_key_without_cipher, m->outputs[1].encrypt.mki[127] = 1)
SPOIL(payload_type_128, m->target.payload_types[0].number = 128)
SPOIL(payload_type_flags, m->target.payload_types[0].flags = 1)
SPOIL(payload_type_reserved, m->target.payload_types[0].reserved = 1)
SPOIL(payload_type_twice, m->target.num_payload_types = 2)
SPOIL(payload_types_descending, m->target.num_payload_types = 2; m->target.payload_types[0].number = 8)
SPOIL(outputs_missing, m->target.num_outputs = 3)
SPOIL(outputs_too_many, m->target.num_outputs = 33)
SPOIL(payload_types_too_many, m->target.num_payload_types = 33)
SPOIL(ssrcs_too_many, m->target.num_ssrcs = 9)
SPOIL(cipher, m->target.decrypt.cipher = RTPE_CIPHER_AES_CM_128)
SPOIL(hmac, m->target.decrypt.hmac = RTPE_HMAC_SHA1)
SPOIL(unknown_cipher, m->outputs[1].encrypt.cipher = 99)

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
	{ "key without cipher", -EINVAL, key_without_cipher },
	{ "output's MKI without cipher", -EINVAL, output_key_without_cipher },
	{ "payload type 128", -EINVAL, payload_type_128 },
	{ "payload type flags", -EINVAL, payload_type_flags },
	{ "payload type reserved", -EINVAL, payload_type_reserved },
	{ "payload type twice", -EINVAL, payload_type_twice },
	{ "payload types descending", -EINVAL, payload_types_descending },
	{ "an output missing", -EINVAL, outputs_missing },
	{ "33 outputs", -ERANGE, outputs_too_many },
	{ "33 payload types", -ERANGE, payload_types_too_many },
	{ "9 SSRCs", -ERANGE, ssrcs_too_many },
	{ "cipher", -EOPNOTSUPP, cipher },
	{ "HMAC alone", -EOPNOTSUPP, hmac },
	{ "unknown cipher in an output", -EOPNOTSUPP, unknown_cipher },
};

TEST(command_add_errors)
{
	const u32 len = sizeof(struct rtpe_target_msg) + 2 * sizeof(struct rtpe_output_msg);
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
			CHECK_EQ(script_add(&script, &b, (u16)replace, &m, len), spoiled[i].error);
			CHECK_EQ(b.table.num_targets, replace);
			CHECK_EQ(b.outputs, 2 * replace);
			CHECK_EQ(bench_slots(&b), 3 * replace);
		}
		check_case("");
		message_init(&m, &a, 2);
		CHECK_EQ(script_add(&script, &b, 0, &m, len), replace ? -EEXIST : 0);
		CHECK_EQ(script_add(&script, &b, 2, &m, len), -EINVAL);
		CHECK_EQ(script_add(&script, &b, RTPE_RECORD_REPLACE, &m, len - 8), -EINVAL);
		CHECK_EQ(script_add(&script, &b, RTPE_RECORD_REPLACE, &m, len + 8), -EINVAL);
		CHECK_EQ(script_add(&script, &b, RTPE_RECORD_REPLACE, &m, 8), -EINVAL);
		CHECK_EQ(script_add(&script, &b, RTPE_RECORD_REPLACE, NULL, 0), -EINVAL);
	}
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
	CHECK_EQ(script_add(&script, &b, 0, &m, message_len(&m)), -EHOSTUNREACH);
	b.fail_at = 0;
	CHECK_EQ(script_add(&script, &b, 0, &m, message_len(&m)), 0);
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
	m.target.num_payload_types = RTPE_MAX_PAYLOAD_TYPES;
	m.target.num_ssrcs = RTPE_MAX_SSRCS;
	for (i = 0; i < RTPE_MAX_PAYLOAD_TYPES; i++)
		m.target.payload_types[i].number = (u8)(96 + i);
	for (i = 0; i < RTPE_MAX_SSRCS; i++)
		m.target.ssrc[i].ssrc = i;
	CHECK_EQ(script_add(&script, &b, 0, &m, message_len(&m)), 0);
	r = (const void *)(script_reply(&script, 0) + 1);
	CHECK_EQ(r->num_outputs, RTPE_MAX_OUTPUTS);
	for (i = 0; i < RTPE_MAX_OUTPUTS; i++) {
		CHECK(r->output_slots[i] != r->slot);
		for (k = 0; k < i; k++)
			CHECK(r->output_slots[i] != r->output_slots[k]);
	}
	bench_exit(&b);
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Batches: every error that the manual in uapi/rtpengine.h names, and none that leaves a trace. */
#include "check.h"
#include "support.h"

static struct script script;

static struct rtpe_addr here(void)
{
	return address4(0x7f000001, 5000);
}

TEST(command_hello)
{
	const struct rtpe_hello_reply *r;
	struct bench b;

	bench_greet(&b, &script);
	r = (const void *)(script_reply(&script, 0) + 1);
	CHECK_EQ(script_reply(&script, 0)->length, sizeof(struct rtpe_reply) + sizeof(*r));
	CHECK_EQ(r->version, RTPE_ABI_VERSION);
	CHECK_EQ(r->cpus, 2);
	CHECK_EQ(r->slots_per_chunk, RTPE_SLOTS_PER_CHUNK);
	CHECK_EQ(r->cpu_stride, RTPE_SLOTS_PER_CHUNK * sizeof(struct rtpe_counters));
	CHECK_EQ(r->ssrc_offset, 2 * r->cpu_stride);
	CHECK_EQ(r->ssrc_stride, RTPE_MAX_SSRCS * sizeof(struct rtpe_ssrc));
	CHECK_EQ(r->chunk_bytes % 4096, 0);
	CHECK_EQ(r->targets, 0);
	bench_exit(&b);
}

TEST(command_hello_comes_first)
{
	struct rtpe_addr a = here();
	struct bench b;

	bench_init(&b);
	CHECK_EQ(script_one(&script, &b, RTPE_GET_TARGET, 0, &a, sizeof(a)), -EPROTO);
	script_init(&script);
	script_hello(&script);
	script_record(&script, RTPE_FLUSH, 0, NULL, 0);
	CHECK(script_run(&script, &b) > 0);
	CHECK_EQ(script_reply(&script, 0)->status, 0);
	CHECK_EQ(script_reply(&script, 1)->status, 0);
	bench_exit(&b);
}

TEST(command_hello_with_other_sizes_leaves_the_descriptor_unusable)
{
	struct bench b;
	struct rtpe_hello *h;
	struct rtpe_record *r;
	u32 i;

	bench_init(&b);
	for (i = 0; i < sizeof(*h) / 2; i++) {
		script_init(&script);
		script_hello(&script);
		r = (void *)((u8 *)script.bytes + sizeof(struct rtpe_batch));
		((u16 *)(r + 1))[i]++;
		script_record(&script, RTPE_FLUSH, 0, NULL, 0);
		CHECK(script_run(&script, &b) > 0);
		CHECK_EQ(script_reply(&script, 0)->status, -EMSGSIZE);
		CHECK_EQ(script_reply(&script, 1)->status, -EPROTO);
		CHECK_EQ(script_one(&script, &b, RTPE_FLUSH, 0, NULL, 0), -EPROTO);
	}
	CHECK_EQ(script_one(&script, &b, RTPE_HELLO, 0, script.bytes, 16), -EINVAL);
	bench_exit(&b);
}

/* Each row spoils one field of a frame with one FLUSH. */
TEST(command_bad_frames)
{
	static const struct {
		const char *name;
		u32 at, width;
		u32 value;
		int error;
	} rows[] = {
		{ "magic", 0, 4, 0x12345678, -EINVAL },
		{ "version", 4, 2, RTPE_ABI_VERSION + 1, -EPROTO },
		{ "count 0", 6, 2, 0, -EINVAL },
		{ "count 2", 6, 2, 2, -EINVAL },
		{ "count 65535", 6, 2, 65535, -EINVAL },
		{ "length short", 8, 4, 24, -EINVAL },
		{ "length long", 8, 4, 40, -EINVAL },
		{ "reserved", 12, 4, 1, -EINVAL },
		{ "record length 0", 20, 4, 0, -EINVAL },
		{ "record length 8", 20, 4, 8, -EINVAL },
		{ "record length odd", 20, 4, 20, -EINVAL },
		{ "record length beyond", 20, 4, 24, -EINVAL },
		{ "record length wraps", 20, 4, 0xfffffff8, -EINVAL },
	};
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		script_init(&script);
		script_record(&script, RTPE_FLUSH, 0, NULL, 0);
		memcpy((u8 *)script.bytes + rows[i].at, &rows[i].value, rows[i].width);
		CHECK_EQ(script_run(&script, &b), rows[i].error);
	}
	check_case("");
	for (i = 0; i < 32; i++) {
		script_init(&script);
		script_record(&script, RTPE_FLUSH, 0, NULL, 0);
		script.at = i;
		CHECK_EQ(script_run(&script, &b), -EINVAL);
	}
	bench_exit(&b);
}

TEST(command_too_long)
{
	struct rtpe_batch *batch = calloc(1, RTPE_MAX_BATCH + 8);
	struct bench b;

	bench_greet(&b, &script);
	*batch = (struct rtpe_batch){ .magic = RTPE_BATCH_MAGIC, .version = RTPE_ABI_VERSION, .count = 1,
				      .length = RTPE_MAX_BATCH + 8 };
	CHECK_EQ(rtpe_command_check(&b.owner, batch, RTPE_MAX_BATCH + 8), -EMSGSIZE);
	free(batch);
	bench_exit(&b);
}

/* More GETs than RTPE_MAX_REPLY has room for are refused as a whole. */
TEST(command_replies_are_bounded)
{
	struct rtpe_addr a = here();
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	script_init(&script);
	for (i = 0; i < 2000; i++)
		script_record(&script, RTPE_GET_TARGET, 0, &a, sizeof(a));
	CHECK_EQ(script_run(&script, &b), -EMSGSIZE);
	bench_exit(&b);
}

TEST(command_unknown)
{
	static const u16 numbers[] = { 0, 6, 7, 255, 65535 };
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	for (i = 0; i < COUNT(numbers); i++)
		CHECK_EQ(script_one(&script, &b, numbers[i], 0, NULL, 0), -EINVAL);
	bench_exit(&b);
}

TEST(command_get_and_del)
{
	const struct rtpe_output_state *o;
	const struct rtpe_state *state;
	struct rtpe_addr a = here(), bad = a;
	static const u16 commands[] = { RTPE_GET_TARGET, RTPE_DEL_TARGET };
	struct message m;
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	bad.port = 0;
	message_init(&m, &a, 2);
	m.target.expected_src = address4(1, 2);
	m.target.src_mismatch = RTPE_MISMATCH_PASS;
	for (i = 0; i < COUNT(commands); i++) {
		CHECK_EQ(script_one(&script, &b, commands[i], 0, &a, sizeof(a)), -ENOENT);
		CHECK_EQ(script_add(&script, &b, 0, &m, message_len(&m)), 0);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, &bad, sizeof(bad)), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 1, &a, sizeof(a)), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, &a, 16), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, NULL, 0), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, &a, sizeof(a)), 0);
		state = (const void *)(script_reply(&script, 0) + 1);
		o = (const void *)(state + 1);
		CHECK(rtpe_addr_equal(&state->local, &a));
		CHECK(rtpe_addr_equal(&state->expected_src, &m.target.expected_src));
		CHECK_EQ(state->flags, m.target.flags);
		CHECK_EQ(state->src_mismatch, RTPE_MISMATCH_PASS);
		CHECK_EQ(state->num_outputs, 2);
		CHECK(rtpe_addr_equal(&o[1].src, &m.outputs[1].src) && rtpe_addr_equal(&o[1].dst, &m.outputs[1].dst));
		CHECK_EQ(b.table.num_targets, commands[i] == RTPE_GET_TARGET);
		rtpe_table_flush(&b.table);
		rtpe_reclaim_all();
	}
	bench_exit(&b);
}

TEST(command_flush)
{
	struct rtpe_addr a;
	struct message m;
	struct bench b;
	u16 i;

	bench_greet(&b, &script);
	for (i = 1; i <= 100; i++) {
		a = address6(i, i);
		message_init(&m, &a, 1);
		bench_add(&b, &m, false);
	}
	CHECK_EQ(script_one(&script, &b, RTPE_FLUSH, 1, NULL, 0), -EINVAL);
	CHECK_EQ(script_one(&script, &b, RTPE_FLUSH, 0, &a, sizeof(a)), -EINVAL);
	CHECK_EQ(b.table.num_targets, 100);
	CHECK_EQ(script_one(&script, &b, RTPE_FLUSH, 0, NULL, 0), 0);
	CHECK_EQ(b.table.num_targets, 0);
	bench_exit(&b);
}

/* One that fails does not stop the next; cookies come back in order. */
TEST(command_batches)
{
	struct rtpe_addr a = here(), gone = address4(1, 1);
	struct message m, wrong;
	struct bench b;
	u32 i;
	static const int expected[] = { 0, -EEXIST, -EINVAL, -ENOENT, 0, 0, -EINVAL, 0, -ENOENT };

	bench_greet(&b, &script);
	message_init(&m, &a, 1);
	message_init(&wrong, &gone, 1);
	wrong.target.flags = 0xffff;
	script_init(&script);
	script_record(&script, RTPE_ADD_TARGET, 0, &m, message_len(&m));
	script_record(&script, RTPE_ADD_TARGET, 0, &m, message_len(&m));
	script_record(&script, RTPE_ADD_TARGET, 0, &wrong, message_len(&wrong));
	script_record(&script, RTPE_DEL_TARGET, 0, &gone, sizeof(gone));
	script_record(&script, RTPE_ADD_TARGET, RTPE_RECORD_REPLACE, &m, message_len(&m));
	script_record(&script, RTPE_GET_TARGET, 0, &a, sizeof(a));
	script_record(&script, 77, 0, &a, sizeof(a));
	script_record(&script, RTPE_DEL_TARGET, 0, &a, sizeof(a));
	script_record(&script, RTPE_DEL_TARGET, 0, &a, sizeof(a));
	CHECK(script_run(&script, &b) > 0);
	for (i = 0; i < COUNT(expected); i++) {
		CHECK_EQ(script_reply(&script, i)->status, expected[i]);
		CHECK_EQ(script_reply(&script, i)->cookie, 100 + i);
	}
	bench_exit(&b);
}

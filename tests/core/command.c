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
	CHECK_EQ(r->target_pool.slots_per_chunk, RTPE_SLOTS_PER_CHUNK);
	CHECK_EQ(r->target_pool.counters_bytes, sizeof(struct rtpe_target_counters));
	CHECK_EQ(r->target_pool.cpu_stride, RTPE_SLOTS_PER_CHUNK * sizeof(struct rtpe_target_counters));
	CHECK_EQ(r->target_pool.detail_offset, 2 * r->target_pool.cpu_stride);
	CHECK_EQ(r->target_pool.detail_stride, sizeof(struct rtpe_details));
	CHECK_EQ(r->output_pool.counters_bytes, sizeof(struct rtpe_counters));
	CHECK_EQ(r->output_pool.detail_stride, 0);
	CHECK_EQ(r->target_pool.chunk_bytes % 4096, 0);
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
	CHECK_EQ(rtpe_command_check(&b.table, &b.owner, batch, RTPE_MAX_BATCH + 8), -EMSGSIZE);
	free(batch);
	bench_exit(&b);
}

/* More GETs than RTPE_MAX_REPLY has room for are refused as a whole. */
TEST(command_replies_are_bounded)
{
	struct rtpe_addr a = here();
	struct message m;
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	message_init(&m, &a, RTPE_MAX_OUTPUTS);
	bench_add(&b, &m, false);
	script_init(&script);
	for (i = 0; i < 2000; i++)
		script_record(&script, RTPE_GET_TARGET, 0, &a, sizeof(a));
	CHECK_EQ(script_run(&script, &b), -EMSGSIZE);
	bench_exit(&b);
}

TEST(command_unknown)
{
	static const u16 numbers[] = { 0, 14, 255, 65535 };
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	for (i = 0; i < COUNT(numbers); i++)
		CHECK_EQ(script_one(&script, &b, numbers[i], 0, NULL, 0), -EINVAL);
	bench_exit(&b);
}

/* The last output of a state without SRTP and sources. */
static const struct rtpe_output_state *last_output(const struct rtpe_state *state)
{
	return (const void *)((const u8 *)state + state->length - sizeof(struct rtpe_output_state));
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
		CHECK_EQ(script_add(&script, &b, 0, &m), 0);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, &bad, sizeof(bad)), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 1, &a, sizeof(a)), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, &a, 16), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, NULL, 0), -EINVAL);
		CHECK_EQ(script_one(&script, &b, commands[i], 0, &a, sizeof(a)), 0);
		state = (const void *)(script_reply(&script, 0) + 1);
		o = last_output(state);
		CHECK(rtpe_addr_equal(&state->local, &a));
		CHECK(rtpe_addr_equal(&state->expected_src, &m.target.expected_src));
		CHECK_EQ(state->flags, m.target.flags);
		CHECK_EQ(state->src_mismatch, RTPE_MISMATCH_PASS);
		CHECK_EQ(state->num_outputs, 2);
		CHECK(rtpe_addr_equal(&o->src, &m.outputs[1].src) && rtpe_addr_equal(&o->dst, &m.outputs[1].dst));
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
	static const int expected[] = { 0, -EEXIST, -EINVAL, -ENOENT, 0, -ENOBUFS, -EINVAL, 0 };

	bench_greet(&b, &script);
	message_init(&m, &a, 1);
	message_init(&wrong, &gone, 1);
	wrong.target.flags = 0xffff;
	script_init(&script);
	script_message(&script, 0, &m);
	script_message(&script, 0, &m);
	script_message(&script, 0, &wrong);
	script_record(&script, RTPE_DEL_TARGET, 0, &gone, sizeof(gone));
	script_message(&script, RTPE_RECORD_REPLACE, &m);
	script_record(&script, RTPE_GET_TARGET, 0, &a, sizeof(a));
	script_record(&script, 77, 0, &a, sizeof(a));
	script_record(&script, RTPE_FLUSH, 0, NULL, 0);
	CHECK(script_run(&script, &b) > 0);
	for (i = 0; i < COUNT(expected); i++) {
		CHECK_EQ(script_reply(&script, i)->status, expected[i]);
		CHECK_EQ(script_reply(&script, i)->cookie, 100 + i);
	}
	bench_exit(&b);
}

/* However many targets came and went since it was made, an old one is not taken for one of this batch. */
TEST(command_state_of_a_very_old_target)
{
	static const u32 later[] = { 1, 0x7fffffff, 0x80000000, 0xfffffff0 };
	struct rtpe_addr a = here();
	struct message m;
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	message_init(&m, &a, 1);
	bench_add(&b, &m, false);
	for (i = 0; i < COUNT(later); i++) {
		b.table.serial = rtpe_table_find(&b.table, &a)->serial + later[i];
		CHECK_EQ(script_one(&script, &b, RTPE_GET_TARGET, 0, &a, sizeof(a)), 0);
	}
	CHECK_EQ(script_one(&script, &b, RTPE_DEL_TARGET, 0, &a, sizeof(a)), 0);
	bench_exit(&b);
}

/* Room for replies is set aside for targets that are there when the batch comes. */
TEST(command_state_of_targets_in_a_batch)
{
	static const int expected[] = { 0, 0, -ENOBUFS, 0, 0, -ENOENT, 0 };
	struct rtpe_addr a = here(), fresh = address4(1, 1);
	struct message m;
	struct bench b;
	u32 i;

	bench_greet(&b, &script);
	message_init(&m, &a, 1);
	bench_add(&b, &m, false);
	message_init(&m, &fresh, RTPE_MAX_OUTPUTS);
	script_init(&script);
	script_record(&script, RTPE_GET_TARGET, 0, &a, sizeof(a));
	script_message(&script, 0, &m);
	script_record(&script, RTPE_DEL_TARGET, 0, &fresh, sizeof(fresh));
	script_record(&script, RTPE_GET_TARGET, 0, &a, sizeof(a));
	script_record(&script, RTPE_DEL_TARGET, 0, &a, sizeof(a));
	script_record(&script, RTPE_DEL_TARGET, 0, &a, sizeof(a));
	script_message(&script, RTPE_RECORD_REPLACE, &m);
	CHECK(script_run(&script, &b) > 0);
	for (i = 0; i < COUNT(expected); i++)
		CHECK_EQ(script_reply(&script, i)->status, expected[i]);
	CHECK_EQ(b.table.num_targets, 1);
	bench_exit(&b);
}

TEST(command_what_an_engine_does_not_have)
{
	static const struct rtpe_hook hook = { "eth0" }, endless = { { 'e', 't', 'h', '0', 'e', 't', 'h', '0', 'e', 't', 'h',
								 '0', 'e', 't', 'h', '0' } };
	static const struct rtpe_options options = { RTPE_OPTION_FLUSH_ON_CLOSE, 0 }, unknown = { 2, 0 };
	static const struct rtpe_name name = { "call" };
	static const struct rtpe_stream stream = { .call = 1 };
	static const struct rtpe_index index = { 1, 0 };
	struct bench b;

	bench_greet(&b, &script);
	CHECK_EQ(script_one(&script, &b, RTPE_ADD_HOOK, 0, &hook, sizeof(hook)), -EOPNOTSUPP);
	CHECK_EQ(script_one(&script, &b, RTPE_DEL_HOOK, 0, &hook, sizeof(hook)), -EOPNOTSUPP);
	CHECK_EQ(script_one(&script, &b, RTPE_ADD_HOOK, 0, &hook, 8), -EINVAL);
	CHECK_EQ(script_one(&script, &b, RTPE_ADD_HOOK, 0, &endless, sizeof(endless)), -EINVAL);
	CHECK_EQ(script_one(&script, &b, RTPE_ADD_CALL, 0, &name, sizeof(name)), -EOPNOTSUPP);
	CHECK_EQ(script_one(&script, &b, RTPE_ADD_STREAM, 0, &stream, sizeof(stream)), -EOPNOTSUPP);
	CHECK_EQ(script_one(&script, &b, RTPE_DEL_CALL, 0, &index, sizeof(index)), -EOPNOTSUPP);
	CHECK_EQ(script_one(&script, &b, RTPE_DEL_STREAM, 0, &index, sizeof(index)), -EOPNOTSUPP);
	CHECK_EQ(script_one(&script, &b, RTPE_PACKET, 0, &index, sizeof(index)), -EOPNOTSUPP);
	CHECK_EQ(script_one(&script, &b, RTPE_SET_OPTIONS, 0, &options, sizeof(options)), 0);
	CHECK_EQ(b.table.options, RTPE_OPTION_FLUSH_ON_CLOSE);
	CHECK_EQ(script_one(&script, &b, RTPE_SET_OPTIONS, 0, &unknown, sizeof(unknown)), -EINVAL);
	CHECK_EQ(b.table.options, RTPE_OPTION_FLUSH_ON_CLOSE);
	bench_exit(&b);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "command.h"

#define STATE_MAX (sizeof(struct rtpe_state) + RTPE_MAX_OUTPUTS * sizeof(struct rtpe_output_state))

static const struct rtpe_hello sizes = {
	.batch_size = sizeof(struct rtpe_batch),
	.record_size = sizeof(struct rtpe_record),
	.reply_size = sizeof(struct rtpe_reply),
	.addr_size = sizeof(struct rtpe_addr),
	.target_size = sizeof(struct rtpe_target_msg),
	.output_size = sizeof(struct rtpe_output_msg),
	.ssrc_size = sizeof(struct rtpe_ssrc),
	.srtp_size = sizeof(struct rtpe_srtp),
	.state_size = sizeof(struct rtpe_state),
	.output_state_size = sizeof(struct rtpe_output_state),
	.counters_size = sizeof(struct rtpe_counters),
};

/* A record as the handlers see it. */
struct call {
	struct rtpe_table *table;
	struct rtpe_owner *owner;
	const struct rtpe_record *record;
	const void *body;
	u32 len;		/* of body */
	void *out;		/* body of the reply */
	u32 out_len;
};

static int hello(struct call *c)
{
	struct rtpe_hello_reply *r = c->out;

	if (c->len != sizeof(sizes) || c->record->flags)
		return -EINVAL;
	if (memcmp(c->body, &sizes, sizeof(sizes)))
		return -EMSGSIZE;
	memset(r, 0, sizeof(*r));
	r->version = RTPE_ABI_VERSION;
	rtpe_stats_geometry(&c->table->stats, r);
	r->targets = c->table->num_targets;
	c->out_len = sizeof(*r);
	c->owner->greeted = true;
	return 0;
}

static int add_target(struct call *c)
{
	struct rtpe_add_reply *r = c->out;
	struct rtpe_target *t;
	u32 i;
	int err;

	if (c->record->flags & ~RTPE_RECORD_REPLACE)
		return -EINVAL;
	err = rtpe_table_add(c->table, c->body, c->len, c->record->flags & RTPE_RECORD_REPLACE, &t);
	if (err)
		return err;
	memset(r, 0, sizeof(*r));
	r->slot = t->slot;
	r->num_outputs = t->num_outputs;
	for (i = 0; i < t->num_outputs; i++)
		r->output_slots[i] = t->outputs[i].slot;
	c->out_len = sizeof(*r);
	return 0;
}

/* The target that a record with just an address names. */
static int named_target(const struct call *c, struct rtpe_target **t)
{
	const struct rtpe_addr *a = c->body;

	if (c->len != sizeof(*a) || c->record->flags || !rtpe_addr_valid(a))
		return -EINVAL;
	*t = rtpe_table_find(c->table, a);
	return *t ? 0 : -ENOENT;
}

static void reply_state(struct call *c, const struct rtpe_target *t)
{
	rtpe_target_state(t, c->out);
	c->out_len = rtpe_target_state_bytes(t);
}

static int get_target(struct call *c)
{
	struct rtpe_target *t;
	int err;

	rtpe_read_lock();
	err = named_target(c, &t);
	if (!err)
		reply_state(c, t);
	rtpe_read_unlock();
	return err;
}

/* Out of the table first, so that the state holds every packet but those under way this instant. */
static int del_target(struct call *c)
{
	struct rtpe_target *t;
	int err;

	rtpe_read_lock();
	err = named_target(c, &t);
	if (!err) {
		rtpe_table_remove(c->table, c->body);
		reply_state(c, t);
	}
	rtpe_read_unlock();
	return err;
}

static int flush(struct call *c)
{
	if (c->len || c->record->flags)
		return -EINVAL;
	rtpe_table_flush(c->table);
	return 0;
}

static const struct {
	int (*run)(struct call *c);
	u32 reply_max;
} commands[] = {
	[RTPE_HELLO] = { hello, sizeof(struct rtpe_hello_reply) },
	[RTPE_ADD_TARGET] = { add_target, sizeof(struct rtpe_add_reply) },
	[RTPE_DEL_TARGET] = { del_target, STATE_MAX },
	[RTPE_GET_TARGET] = { get_target, STATE_MAX },
	[RTPE_FLUSH] = { flush, 0 },
};

#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool known(u16 command)
{
	return command < NUM_COMMANDS && commands[command].run;
}

int rtpe_command_check(const struct rtpe_owner *owner, const void *batch, u32 len)
{
	const struct rtpe_batch *b = batch;
	const struct rtpe_record *r;
	u32 at = sizeof(*b), reply = 0, i;

	if (len < sizeof(*b) || b->magic != RTPE_BATCH_MAGIC)
		return -EINVAL;
	if (b->version != RTPE_ABI_VERSION)
		return -EPROTO;
	if (len > RTPE_MAX_BATCH)
		return -EMSGSIZE;
	if (b->length != len || b->reserved || !b->count)
		return -EINVAL;
	for (i = 0; i < b->count; i++) {
		r = (const void *)((const u8 *)batch + at);
		if (len - at < sizeof(*r) || r->length < sizeof(*r) || r->length % 8 || r->length > len - at)
			return -EINVAL;
		if (!i && !owner->greeted && r->command != RTPE_HELLO)
			return -EPROTO;
		reply += sizeof(struct rtpe_reply) + (known(r->command) ? commands[r->command].reply_max : 0);
		if (reply > RTPE_MAX_REPLY)
			return -EMSGSIZE;
		at += r->length;
	}
	return at == len ? (int)reply : -EINVAL;
}

static int run_one(struct call *c)
{
	if (!known(c->record->command))
		return -EINVAL;
	/* A HELLO that failed must not let the rest of its batch through. */
	if (!c->owner->greeted && c->record->command != RTPE_HELLO)
		return -EPROTO;
	return commands[c->record->command].run(c);
}

u32 rtpe_command_run(struct rtpe_table *t, struct rtpe_owner *owner, const void *batch, void *reply)
{
	const struct rtpe_batch *b = batch;
	const u8 *at = (const u8 *)(b + 1);
	u8 *out = reply;
	u32 i;

	for (i = 0; i < b->count; i++) {
		const struct rtpe_record *r = (const void *)at;
		struct rtpe_reply *head = (void *)out;
		struct call c = {
			.table = t, .owner = owner, .record = r,
			.body = r + 1, .len = r->length - sizeof(*r), .out = head + 1,
		};

		memset(head, 0, sizeof(*head));
		head->command = r->command;
		head->cookie = r->cookie;
		head->status = run_one(&c);
		if (head->status)
			c.out_len = 0;
		head->length = sizeof(*head) + c.out_len;
		out += head->length;
		at += r->length;
	}
	return (u32)(out - (u8 *)reply);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "command.h"
#include "state.h"

static const struct rtpe_hello sizes = {
	.batch_size = sizeof(struct rtpe_batch),
	.record_size = sizeof(struct rtpe_record),
	.reply_size = sizeof(struct rtpe_reply),
	.part_size = sizeof(struct rtpe_part),
	.addr_size = sizeof(struct rtpe_addr),
	.target_size = sizeof(struct rtpe_target_msg),
	.payload_type_size = sizeof(struct rtpe_payload_type),
	.ssrc_size = sizeof(struct rtpe_ssrc),
	.group_size = sizeof(struct rtpe_group),
	.srtp_size = sizeof(struct rtpe_srtp),
	.srtp_state_size = sizeof(struct rtpe_srtp_state),
	.output_size = sizeof(struct rtpe_output_msg),
	.ssrc_map_size = sizeof(struct rtpe_ssrc_map),
	.rule_size = sizeof(struct rtpe_rule),
	.extensions_size = sizeof(struct rtpe_extensions),
	.mid_size = sizeof(struct rtpe_mid),
	.state_size = sizeof(struct rtpe_state),
	.output_state_size = sizeof(struct rtpe_output_state),
	.target_counters_size = sizeof(struct rtpe_target_counters),
	.details_size = sizeof(struct rtpe_details),
};

/* A record as the handlers see it. */
struct call {
	struct rtpe_table *table;
	struct rtpe_owner *owner;
	const struct rtpe_record *record;
	const void *body;
	u32 len;		/* of body */
	void *out;		/* body of the reply */
	u32 begun;		/* serial of the newest target when the batch began */
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
	r->cpus = c->table->targets.cpus;
	r->targets = c->table->num_targets;
	r->target_pool = c->table->targets.pool;
	r->output_pool = c->table->outputs.pool;
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

/* The target that a record with just an address names. Room was set aside for those that were there already. */
static int named_target(const struct call *c, struct rtpe_target **t)
{
	const struct rtpe_addr *a = c->body;

	if (c->len != sizeof(*a) || c->record->flags || !rtpe_addr_valid(a))
		return -EINVAL;
	*t = rtpe_table_find(c->table, a);
	if (!*t)
		return -ENOENT;
	return (*t)->serial - c->begun - 1 < c->table->serial - c->begun ? -ENOBUFS : 0;
}

static int get_target(struct call *c)
{
	struct rtpe_target *t;
	int err;

	rtpe_read_lock();
	err = named_target(c, &t);
	if (!err)
		c->out_len = rtpe_state_write(t, c->out);
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
		c->out_len = rtpe_state_write(t, c->out);
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

static int set_options(struct call *c)
{
	const struct rtpe_options *o = c->body;

	if (c->len != sizeof(*o) || c->record->flags || o->flags & ~(u32)RTPE_OPTION_FLAGS || o->reserved)
		return -EINVAL;
	c->table->options = o->flags;
	return 0;
}

static int change_hook(struct call *c, int (*change)(struct rtpe_table *t, const char *device))
{
	const struct rtpe_hook *h = c->body;

	if (c->len != sizeof(*h) || c->record->flags || !h->device[0] || h->device[sizeof(h->device) - 1])
		return -EINVAL;
	return change ? change(c->table, h->device) : -EOPNOTSUPP;
}

static int add_hook(struct call *c)
{
	return change_hook(c, c->table->host->hook_add);
}

static int del_hook(struct call *c)
{
	return change_hook(c, c->table->host->hook_del);
}

static int reply_index(struct call *c, u32 index)
{
	struct rtpe_index *r = c->out;

	memset(r, 0, sizeof(*r));
	r->index = index;
	c->out_len = sizeof(*r);
	return 0;
}

static int add_call(struct call *c)
{
	u32 index;
	int err;

	if (c->len != sizeof(struct rtpe_name) || c->record->flags)
		return -EINVAL;
	if (!c->table->intercept)
		return -EOPNOTSUPP;
	err = rtpe_call_add(c->table, c->body, &index);
	return err ? err : reply_index(c, index);
}

static int add_stream(struct call *c)
{
	u32 index;
	int err;

	if (c->len != sizeof(struct rtpe_stream) || c->record->flags)
		return -EINVAL;
	if (!c->table->intercept)
		return -EOPNOTSUPP;
	err = rtpe_stream_add(c->table, c->body, &index);
	return err ? err : reply_index(c, index);
}

/* The index that the body begins with. */
static int named_index(const struct call *c, u32 *index)
{
	const struct rtpe_index *i = c->body;

	if (c->len < sizeof(*i) || c->record->flags || i->reserved)
		return -EINVAL;
	*index = i->index;
	return c->table->intercept ? 0 : -EOPNOTSUPP;
}

static int del_by_index(struct call *c, int (*del)(struct rtpe_table *t, u32 index))
{
	u32 index;
	int err = c->len == sizeof(struct rtpe_index) ? named_index(c, &index) : -EINVAL;

	return err ? err : del(c->table, index);
}

static int del_call(struct call *c)
{
	return del_by_index(c, rtpe_call_del);
}

static int del_stream(struct call *c)
{
	return del_by_index(c, rtpe_stream_del);
}

static int put_packet(struct call *c)
{
	u32 index;
	int err = named_index(c, &index);

	if (err)
		return err;
	return rtpe_stream_put_raw(c->table, index, (const struct rtpe_index *)c->body + 1,
				   c->len - (u32)sizeof(struct rtpe_index));
}

/* reply_max: what the reply's body may take; STATE: what the target named needs. */
#define STATE (~0u)

static const struct {
	int (*run)(struct call *c);
	u32 reply_max;
} commands[] = {
	[RTPE_HELLO] = { hello, sizeof(struct rtpe_hello_reply) },
	[RTPE_ADD_TARGET] = { add_target, sizeof(struct rtpe_add_reply) },
	[RTPE_DEL_TARGET] = { del_target, STATE },
	[RTPE_GET_TARGET] = { get_target, STATE },
	[RTPE_FLUSH] = { flush, 0 },
	[RTPE_SET_OPTIONS] = { set_options, 0 },
	[RTPE_ADD_HOOK] = { add_hook, 0 },
	[RTPE_DEL_HOOK] = { del_hook, 0 },
	[RTPE_ADD_CALL] = { add_call, sizeof(struct rtpe_index) },
	[RTPE_DEL_CALL] = { del_call, 0 },
	[RTPE_ADD_STREAM] = { add_stream, sizeof(struct rtpe_index) },
	[RTPE_DEL_STREAM] = { del_stream, 0 },
	[RTPE_PACKET] = { put_packet, 0 },
};

#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static bool known(u16 command)
{
	return command < NUM_COMMANDS && commands[command].run;
}

static u32 state_max(const struct rtpe_table *t, const struct rtpe_record *r)
{
	const struct rtpe_target *x;
	u32 bytes = 0;

	if (r->length != sizeof(*r) + sizeof(struct rtpe_addr))
		return 0;
	rtpe_read_lock();
	x = rtpe_table_find(t, (const struct rtpe_addr *)(r + 1));
	if (x)
		bytes = rtpe_state_max(x);
	rtpe_read_unlock();
	return bytes;
}

static u32 reply_max(const struct rtpe_table *t, const struct rtpe_record *r)
{
	if (!known(r->command))
		return 0;
	return commands[r->command].reply_max == STATE ? state_max(t, r) : commands[r->command].reply_max;
}

int rtpe_command_check(const struct rtpe_table *t, const struct rtpe_owner *owner, const void *batch, u32 len)
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
		reply += sizeof(struct rtpe_reply) + reply_max(t, r);
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
	u32 begun = t->serial, i;
	u8 *out = reply;

	for (i = 0; i < b->count; i++) {
		const struct rtpe_record *r = (const void *)at;
		struct rtpe_reply *head = (void *)out;
		struct call c = {
			.table = t, .owner = owner, .record = r,
			.body = r + 1, .len = r->length - sizeof(*r), .out = head + 1, .begun = begun,
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

// SPDX-License-Identifier: GPL-3.0-or-later
#include "support.h"
#include "check.h"

#include <arpa/inet.h>

static struct bench *bench_of(struct rtpe_table *t)
{
	return container_of(t, struct bench, table);
}

static int output_init(struct rtpe_target *t, struct rtpe_output *o)
{
	struct bench *b = bench_of(t->table);

	if (b->fail_at && b->outputs + 1 == b->fail_at)
		return -EHOSTUNREACH;
	b->outputs++;
	o->host = b;
	return 0;
}

static void output_release(struct rtpe_output *o)
{
	struct bench *b = o->host;

	if (b)
		b->outputs--;
}

static const struct rtpe_host_ops host_ops = {
	.output_init = output_init,
	.output_release = output_release,
};

void bench_init(struct bench *b)
{
	memset(b, 0, sizeof(*b));
	CHECK_EQ(rtpe_table_init(&b->table, &host_ops, 2), 0);
}

void bench_exit(struct bench *b)
{
	rtpe_table_flush(&b->table);
	rtpe_reclaim_all();
	CHECK_EQ(b->outputs, 0);
	CHECK_EQ(b->table.num_targets, 0);
	CHECK_EQ(bench_slots(b), 0);
	rtpe_table_exit(&b->table);
}

static u32 taken_slots(const struct rtpe_stats *s)
{
	u32 taken = 0, i;

	for (i = 0; i < s->num_chunks; i++)
		taken += RTPE_SLOTS_PER_CHUNK - (u32)__builtin_popcountll(s->free_slots[i]);
	return taken;
}

u32 bench_slots(const struct bench *b)
{
	return taken_slots(&b->table.targets) + taken_slots(&b->table.outputs);
}

struct rtpe_addr address4(u32 ip, u16 port)
{
	struct rtpe_addr a = { .family = RTPE_FAMILY_IP4, .port = htons(port) };

	ip = htonl(ip);
	memcpy(a.ip, &ip, sizeof(ip));
	return a;
}

struct rtpe_addr address6(u32 ip, u16 port)
{
	struct rtpe_addr a = { .family = RTPE_FAMILY_IP6, .port = htons(port) };

	a.ip[0] = 0xfd;
	ip = htonl(ip);
	memcpy(a.ip + 12, &ip, sizeof(ip));
	return a;
}

void message_init(struct message *m, const struct rtpe_addr *local, u8 outputs)
{
	u32 i;

	memset(m, 0, sizeof(*m));
	m->target.local = *local;
	m->target.flags = RTPE_TARGET_RTP;
	m->target.num_outputs = outputs;
	m->num_outputs = outputs;
	m->target.rtp_end = m->target.rtcp_end = outputs;
	m->num_payload_types = 1;
	m->payload_types[0].clock_rate = 8000;
	for (i = 0; i < outputs && i < COUNT(m->outputs); i++) {
		m->outputs[i].src = address4(0x7f000001, (u16)(30000 + 2 * i));
		m->outputs[i].dst = address4(0x7f000002, (u16)(40000 + 2 * i));
	}
}

struct rtpe_srtp srtp_keys(u8 seed)
{
	struct rtpe_srtp s = {
		.cipher = RTPE_CIPHER_AES_CM_128, .hmac = RTPE_HMAC_SHA1,
		.key_len = 16, .salt_len = 14, .rtp_tag_len = 10, .rtcp_tag_len = 10,
	};

	memset(s.key, seed, s.key_len);
	memset(s.salt, ~seed, s.salt_len);
	return s;
}

void pack_part(struct packed *p, u16 kind, u32 count, const void *entries, u32 entry)
{
	struct rtpe_part *part = (void *)((u8 *)p->bytes + p->len);

	part->kind = kind;
	part->count = (u16)count;
	part->length = (u32)sizeof(*part) + count * entry;
	CHECK(p->len + part->length <= sizeof(p->bytes));
	memcpy(part + 1, entries, count * entry);
	p->len += part->length;
}

static void pack_srtp(struct packed *p, const struct rtpe_srtp *srtp)
{
	if (srtp->cipher || srtp->hmac)
		pack_part(p, RTPE_PART_SRTP, 1, srtp, sizeof(*srtp));
}

void message_pack(struct packed *p, const struct message *m)
{
	u32 i;

	memcpy(p->bytes, &m->target, sizeof(m->target));
	p->len = sizeof(m->target);
	if (m->num_payload_types)
		pack_part(p, RTPE_PART_PAYLOAD_TYPES, m->num_payload_types, m->payload_types, sizeof(m->payload_types[0]));
	if (m->num_ssrcs)
		pack_part(p, RTPE_PART_SSRCS, m->num_ssrcs, m->ssrc, sizeof(m->ssrc[0]));
	pack_srtp(p, &m->decrypt);
	if (m->num_received)
		pack_part(p, RTPE_PART_SRTP_STATES, m->num_received, m->received, sizeof(m->received[0]));
	for (i = 0; i < m->num_outputs; i++) {
		pack_part(p, RTPE_PART_OUTPUT, 1, &m->outputs[i], sizeof(m->outputs[i]));
		pack_srtp(p, &m->encrypt[i]);
		if (!i && m->num_sent)
			pack_part(p, RTPE_PART_SRTP_STATES, m->num_sent, m->sent, sizeof(m->sent[0]));
	}
}

int bench_try(struct bench *b, const struct message *m, bool replace, struct rtpe_target **t)
{
	struct packed p;

	message_pack(&p, m);
	return rtpe_table_add(&b->table, (const void *)p.bytes, p.len, replace, t);
}

struct rtpe_target *bench_add(struct bench *b, const struct message *m, bool replace)
{
	struct rtpe_target *t;

	CHECK_EQ(bench_try(b, m, replace, &t), 0);
	return t;
}

void packet_bytes(struct rtpe_packet *p, u8 *buffer, const void *data, u32 len)
{
	memset(p, 0, sizeof(*p));
	p->data = len ? memcpy(buffer, data, len) : buffer;
	p->len = len;
	p->room = PACKET_ROOM - len;
	p->now_us = 1700000000000000;
	p->src = address4(0x0a000001, 5000);
}

void packet_rtp(struct rtpe_packet *p, u8 *buffer, u16 seq, u64 now_us)
{
	u8 data[172] = { 0x80, 0 };
	u16 number = htons(seq);
	u32 timestamp = htonl((u32)(now_us / 125) + 12345);

	memcpy(data + 2, &number, 2);
	memcpy(data + 4, &timestamp, 4);
	memcpy(data + 8, "SSRC", 4);
	packet_bytes(p, buffer, data, sizeof(data));
	p->now_us = now_us;
}

void script_init(struct script *s)
{
	struct rtpe_batch *b = (void *)s->bytes;

	memset(s->bytes, 0, sizeof(*b));
	b->magic = RTPE_BATCH_MAGIC;
	b->version = RTPE_ABI_VERSION;
	b->length = s->at = sizeof(*b);
}

struct rtpe_record *script_record(struct script *s, u16 command, u16 flags, const void *body, u32 len)
{
	struct rtpe_batch *b = (void *)s->bytes;
	struct rtpe_record *r = (void *)((u8 *)s->bytes + s->at);

	CHECK(s->at + sizeof(*r) + len <= sizeof(s->bytes));
	r->command = command;
	r->flags = flags;
	r->length = (u32)sizeof(*r) + len;
	r->cookie = 100u + b->count++;
	if (len)
		memcpy(r + 1, body, len);
	s->at += r->length;
	b->length = s->at;
	return r;
}

void script_hello(struct script *s)
{
	struct rtpe_hello h = {
		.batch_size = sizeof(struct rtpe_batch), .record_size = sizeof(struct rtpe_record),
		.reply_size = sizeof(struct rtpe_reply), .part_size = sizeof(struct rtpe_part),
		.addr_size = sizeof(struct rtpe_addr), .target_size = sizeof(struct rtpe_target_msg),
		.payload_type_size = sizeof(struct rtpe_payload_type), .ssrc_size = sizeof(struct rtpe_ssrc),
		.group_size = sizeof(struct rtpe_group), .srtp_size = sizeof(struct rtpe_srtp),
		.srtp_state_size = sizeof(struct rtpe_srtp_state), .output_size = sizeof(struct rtpe_output_msg),
		.ssrc_map_size = sizeof(struct rtpe_ssrc_map), .rule_size = sizeof(struct rtpe_rule),
		.extensions_size = sizeof(struct rtpe_extensions), .mid_size = sizeof(struct rtpe_mid),
		.state_size = sizeof(struct rtpe_state), .output_state_size = sizeof(struct rtpe_output_state),
		.target_counters_size = sizeof(struct rtpe_target_counters), .details_size = sizeof(struct rtpe_details),
	};

	script_record(s, RTPE_HELLO, 0, &h, sizeof(h));
}

void script_message(struct script *s, u16 flags, const struct message *m)
{
	struct packed p;

	message_pack(&p, m);
	script_record(s, RTPE_ADD_TARGET, flags, p.bytes, p.len);
}

int script_run(struct script *s, struct bench *b)
{
	int bound = rtpe_command_check(&b->table, &b->owner, s->bytes, s->at);
	u32 written;

	if (bound < 0)
		return bound;
	CHECK((u32)bound <= sizeof(s->reply));
	written = rtpe_command_run(&b->table, &b->owner, s->bytes, s->reply);
	CHECK(written <= (u32)bound);
	CHECK(written % 8 == 0);
	rtpe_reclaim();
	return (int)written;
}

const struct rtpe_reply *script_reply(const struct script *s, u32 n)
{
	const u8 *at = (const u8 *)s->reply;

	while (n--)
		at += ((const struct rtpe_reply *)at)->length;
	return (const struct rtpe_reply *)at;
}

int script_one(struct script *s, struct bench *b, u16 command, u16 flags, const void *body, u32 len)
{
	const struct rtpe_reply *r;
	int written;

	script_init(s);
	script_record(s, command, flags, body, len);
	written = script_run(s, b);
	if (written < 0)
		return written;
	r = script_reply(s, 0);
	CHECK_EQ(r->length, written);
	CHECK_EQ(r->command, command);
	CHECK_EQ(r->cookie, 100);
	CHECK_EQ(r->reserved, 0);
	CHECK_EQ(r->reserved2, 0);
	CHECK(!r->status || r->length == sizeof(*r));
	return r->status;
}

void bench_greet(struct bench *b, struct script *s)
{
	bench_init(b);
	script_init(s);
	script_hello(s);
	CHECK(script_run(s, b) > 0);
	CHECK_EQ(script_reply(s, 0)->status, 0);
}

int script_add(struct script *s, struct bench *b, u16 flags, const struct message *m)
{
	struct packed p;

	message_pack(&p, m);
	return script_one(s, b, RTPE_ADD_TARGET, flags, p.bytes, p.len);
}

u32 random_next(void)
{
	static u64 state = 0x9e3779b97f4a7c15;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (u32)(state >> 32);
}

u32 random_below(u32 limit)
{
	return random_next() % limit;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables without sockets, messages to fill them, packets to send through. */
#ifndef RTPE_TEST_SUPPORT_H
#define RTPE_TEST_SUPPORT_H

#include "../../controlplane/relay/rcu.h"
#include "../../kmod/core/command.h"
#include "../../kmod/core/forward.h"
#include "../../kmod/core/parse.h"

/* A table whose outputs need nothing; `outputs` counts those that live. */
struct bench {
	struct rtpe_table table;
	struct rtpe_owner owner;
	u32 outputs;
	u32 fail_at;		/* output_init fails when this many live; 0: never */
};

void bench_init(struct bench *b);
void bench_exit(struct bench *b);

/* An ADD_TARGET message before it is packed. */
struct message {
	struct rtpe_target_msg target;
	u32 num_payload_types, num_ssrcs;
	struct rtpe_payload_type payload_types[RTPE_MAX_PAYLOAD_TYPES + 1];
	struct rtpe_ssrc ssrc[RTPE_MAX_SSRCS + 1];
	struct rtpe_srtp decrypt;		/* cipher 0: plain */
	u32 num_received, num_sent;		/* states of the target, and of its first output */
	struct rtpe_srtp_state received[RTPE_MAX_SSRCS], sent[RTPE_MAX_SSRCS];
	u32 num_outputs;			/* packed, whatever target.num_outputs says */
	struct rtpe_output_msg outputs[RTPE_MAX_OUTPUTS + 1];
	struct rtpe_srtp encrypt[RTPE_MAX_OUTPUTS + 1];
};

/* What a record of ADD_TARGET holds. */
struct packed {
	u32 len;
	u64 bytes[4096];
};

/* AES-CM-128 with HMAC-SHA1-80 and keys made of `seed`. */
struct rtpe_srtp srtp_keys(u8 seed);

/* RTP with payload type 0 at 8000 Hz, from local() to `outputs` destinations; RTCP goes to the same. */
void message_init(struct message *m, const struct rtpe_addr *local, u8 outputs);
void message_pack(struct packed *p, const struct message *m);

/* Adds a part by hand. */
void pack_part(struct packed *p, u16 kind, u32 count, const void *entries, u32 entry);
struct rtpe_target *bench_add(struct bench *b, const struct message *m, bool replace);

/* The same, but for its result. */
int bench_try(struct bench *b, const struct message *m, bool replace, struct rtpe_target **t);

/* Slots given out in both pools, by counting those that are not free. */
u32 bench_slots(const struct bench *b);

struct rtpe_addr address4(u32 ip, u16 port);
struct rtpe_addr address6(u32 ip, u16 port);

/* An RTP packet in `buffer`, as it arrived from 10.0.0.1:5000; its timestamp fits its number and time. */
#define PACKET_ROOM 2048
void packet_rtp(struct rtpe_packet *p, u8 *buffer, u16 seq, u64 now_us);
void packet_bytes(struct rtpe_packet *p, u8 *buffer, const void *data, u32 len);

/* A batch under construction; records get the cookies 100, 101 ... */
struct script {
	u64 bytes[16384];
	u64 reply[65536];
	u32 at;
};

void script_init(struct script *s);
struct rtpe_record *script_record(struct script *s, u16 command, u16 flags, const void *body, u32 len);
void script_hello(struct script *s);
void script_message(struct script *s, u16 flags, const struct message *m);

/* rtpe_command_check()'s result, then rtpe_command_run()'s replies in s->reply. */
int script_run(struct script *s, struct bench *b);

/* Reply number n. */
const struct rtpe_reply *script_reply(const struct script *s, u32 n);

/* For one record after the table has been greeted: its status, reply in s->reply. */
int script_one(struct script *s, struct bench *b, u16 command, u16 flags, const void *body, u32 len);

/* A new table that has been greeted. */
void bench_greet(struct bench *b, struct script *s);

/* The status of one ADD_TARGET. */
int script_add(struct script *s, struct bench *b, u16 flags, const struct message *m);

/* Random numbers that repeat from run to run. */
u32 random_next(void);
u32 random_below(u32 limit);

#endif

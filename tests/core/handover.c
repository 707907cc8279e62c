// SPDX-License-Identifier: GPL-3.0-or-later
/* A stream that moves between two tables, as between the relay and the module, shows no gap and no jump. */
#include "check.h"
#include "support.h"
#include "../../kmod/core/state.h"

struct pair {
	struct bench at[2];
	struct rtpe_target *target[2];
	struct message message;
	u32 lost, duplicates, reordered, resets, packets;	/* of targets that were removed */
};

static void pair_init(struct pair *p)
{
	struct rtpe_addr a = address4(0x7f000001, 5000);

	memset(p, 0, sizeof(*p));
	bench_init(&p->at[0]);
	bench_init(&p->at[1]);
	message_init(&p->message, &a, 1);
}

static void pair_exit(struct pair *p)
{
	bench_exit(&p->at[0]);
	bench_exit(&p->at[1]);
}

static void account(struct pair *p, const struct rtpe_ssrc *s)
{
	u32 i;

	for (i = 0; i < RTPE_MAX_SSRCS && s[i].valid; i++) {
		p->lost += s[i].lost;
		p->duplicates += s[i].duplicates;
		p->reordered += s[i].reordered;
		p->resets += s[i].resets;
		p->packets += (u32)s[i].packets;
	}
}

/* DEL's state, or with `keep` GET's, as the seed of the next ADD. */
static void take_seeds(struct pair *p, u32 from, bool keep)
{
	struct rtpe_state *state = malloc(rtpe_state_max(p->target[from]));
	const struct rtpe_part *part = (const void *)(state + 1);

	rtpe_state_write(p->target[from], state);
	if (!keep) {
		account(p, p->target[from]->details->ssrc);
		CHECK_EQ(rtpe_table_remove(&p->at[from].table, &p->message.target.local), 0);
		rtpe_reclaim();
		p->target[from] = NULL;
	}
	p->message.num_ssrcs = 0;
	if (state->length > sizeof(*state) && part->kind == RTPE_PART_SSRCS) {
		p->message.num_ssrcs = part->count;
		memcpy(p->message.ssrc, part + 1, part->count * sizeof(struct rtpe_ssrc));
	}
	free(state);
}

static void install(struct pair *p, u32 where)
{
	p->target[where] = bench_add(&p->at[where], &p->message, true);
	rtpe_reclaim();
}

static void receive(struct pair *p, u32 where, u32 number)
{
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet packet;

	packet_rtp(&packet, buffer, (u16)number, 1700000000000000 + (u64)number * 20000);
	CHECK_EQ(rtpe_forward_packet(p->target[where], &packet), RTPE_FORWARD);
}

static void account_rest(struct pair *p)
{
	u32 i;

	for (i = 0; i < 2; i++)
		if (p->target[i])
			account(p, p->target[i]->details->ssrc);
}

TEST(handover_by_removing_and_adding)
{
	u32 number = 65000, run, where, turn, n;
	struct pair p;

	for (run = 0; run < 20; run++) {
		pair_init(&p);
		install(&p, 0);
		for (turn = 0; turn < 200; turn++) {
			where = turn % 2;
			if (turn) {
				take_seeds(&p, !where, false);
				install(&p, where);
			}
			for (n = random_below(80); n; n--)
				receive(&p, where, number++);
			CHECK(!p.target[where]->details->ssrc[0].valid ||
			      (u16)p.target[where]->details->ssrc[0].ext_seq == (u16)(number - 1));
		}
		account_rest(&p);
		CHECK_EQ(p.lost + p.duplicates + p.reordered + p.resets, 0);
		pair_exit(&p);
	}
}

/* One side keeps its target all the time, as the relay does, and is told what the other saw. */
TEST(handover_over_a_target_that_stays)
{
	u32 number = 65000, turn, n, sent = 0, queued, begun;
	struct pair p;

	pair_init(&p);
	install(&p, 0);
	for (turn = 0; turn < 300; turn++) {
		for (n = random_below(60); n; n--, sent++)
			receive(&p, 0, number++);
		take_seeds(&p, 0, true);
		install(&p, 1);
		/* What was queued at the first side comes out there when the second has begun already. */
		queued = random_below(20);
		begun = random_below(10);
		for (n = 0; n < begun; n++, sent++)
			receive(&p, 1, number + queued + n);
		for (n = 0; n < queued; n++, sent++)
			receive(&p, 0, number + n);
		number += queued + begun;
		take_seeds(&p, 0, true);
		install(&p, 1);
		for (n = random_below(60); n; n--, sent++)
			receive(&p, 1, number++);
		take_seeds(&p, 1, false);
		install(&p, 0);
	}
	account_rest(&p);
	CHECK_EQ(p.packets, sent);
	CHECK_EQ(p.lost + p.duplicates + p.reordered + p.resets, 0);
	CHECK_EQ((u16)p.target[0]->details->ssrc[0].ext_seq, (u16)(number - 1));
	CHECK_EQ(p.target[0]->details->ssrc[0].ext_seq, number - 1);
	pair_exit(&p);
}

/* True loss is counted once, wherever the stream is when the number has become too old. */
TEST(handover_counts_loss_once)
{
	u32 number = 1, turn, n, missing = 0;
	struct pair p;

	pair_init(&p);
	install(&p, 0);
	receive(&p, 0, number++);
	for (turn = 0; turn < 400; turn++) {
		for (n = 1 + random_below(60); n; n--) {
			if (random_below(10) == 0) {
				missing++;
				number++;
			}
			receive(&p, turn % 2, number++);
		}
		take_seeds(&p, turn % 2, false);
		install(&p, !(turn % 2));
	}
	for (n = 0; n < 32; n++)
		receive(&p, 0, number++);
	account_rest(&p);
	CHECK_EQ(p.lost, missing);
	CHECK_EQ(p.resets, 0);
	pair_exit(&p);
}

TEST(handover_keeps_jitter_and_sources)
{
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet packet;
	u32 i, before;
	struct pair p;

	pair_init(&p);
	install(&p, 0);
	for (i = 0; i < 400; i++) {
		packet_rtp(&packet, buffer, (u16)i, 1700000000000000 + i * 20000);
		packet.now_us += random_below(10000);
		buffer[8] = (u8)(i % 5);
		rtpe_forward_packet(p.target[0], &packet);
	}
	before = p.target[0]->details->ssrc[3].jitter;
	CHECK(before > 16);
	take_seeds(&p, 0, false);
	CHECK_EQ(p.message.num_ssrcs, 5);
	install(&p, 1);
	for (i = 0; i < 5; i++) {
		CHECK(p.target[1]->details->ssrc[i].valid);
		CHECK_EQ(p.target[1]->details->ssrc[i].packets, 0);
	}
	CHECK_EQ(p.target[1]->details->ssrc[3].jitter, before);
	pair_exit(&p);
}

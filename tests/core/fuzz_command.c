// SPDX-License-Identifier: GPL-3.0-or-later
/* Any bytes as a batch. The first byte of the input says whether the descriptor has been greeted. */
#include "fuzz.h"
#include "support.h"

static void check_replies(const u8 *replies, u32 written, u32 count)
{
	const struct rtpe_reply *r;
	u32 at = 0;

	for (; count--; at += r->length) {
		fuzz_check(written - at >= sizeof(*r));
		r = (const void *)(replies + at);
		fuzz_check(r->length >= sizeof(*r) && r->length % 8 == 0 && r->length <= written - at);
		fuzz_check(r->status <= 0 && (!r->status || r->length == sizeof(*r)));
	}
	fuzz_check(at == written);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static struct bench b;
	u8 *batch, *replies;
	int bound;

	if (!size)
		return 0;
	if (!b.table.buckets)
		bench_init(&b);
	b.owner.greeted = data[0] & 1;
	batch = malloc(size);
	memcpy(batch, data + 1, --size);
	bound = rtpe_command_check(&b.table, &b.owner, batch, (u32)size);
	if (bound >= 0) {
		replies = malloc((size_t)bound);
		check_replies(replies, rtpe_command_run(&b.table, &b.owner, batch, replies),
			      ((const struct rtpe_batch *)batch)->count);
		free(replies);
	}
	free(batch);
	rtpe_table_flush(&b.table);
	rtpe_reclaim_all();
	fuzz_check(!b.table.num_targets && !b.outputs && !bench_slots(&b));
	return 0;
}

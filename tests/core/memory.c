// SPDX-License-Identifier: GPL-3.0-or-later
/* Without memory commands fail, leave nothing behind and harm no target. Linked with --wrap for both allocators. */
#include "check.h"
#include "support.h"

static u32 allocations, fail_at;	/* fail_at 0: never */

void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool fails(void)
{
	return fail_at && ++allocations == fail_at;
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __real_aligned_alloc(alignment, size);
}

static void fail_next(u32 at)
{
	allocations = 0;
	fail_at = at;
}

TEST(memory_failed_adds)
{
	struct rtpe_addr a = address4(0x7f000001, 5000), filler;
	struct rtpe_target *t;
	struct message m;
	struct bench b;
	u32 i, failed = 0;

	bench_init(&b);
	/* Targets without outputs, so that the first output must make a chunk. */
	for (i = 0; i < 62; i++) {
		filler = address4(0x7f000002, (u16)(1 + i));
		message_init(&m, &filler, 0);
		bench_add(&b, &m, false);
	}
	message_init(&m, &a, 4);
	for (i = 1;; i++) {
		fail_next(i);
		if (!bench_try(&b, &m, false, &t))
			break;
		failed++;
		CHECK(!rtpe_table_find(&b.table, &a));
		CHECK_EQ(bench_slots(&b), 62);
		CHECK_EQ(b.outputs, 0);
	}
	fail_next(0);
	CHECK_EQ(failed, 3);
	CHECK_EQ(bench_slots(&b), 67);
	bench_exit(&b);
}

TEST(memory_failed_tables)
{
	static const struct rtpe_host_ops none;
	struct rtpe_table table;
	u32 i;

	for (i = 1; i <= 5; i++) {
		fail_next(i);
		CHECK_EQ(rtpe_table_init(&table, &none, 4), -ENOMEM);
	}
	fail_next(0);
	CHECK_EQ(rtpe_table_init(&table, &none, 4), 0);
	rtpe_table_exit(&table);
}

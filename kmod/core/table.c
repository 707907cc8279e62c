// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.h"

static struct rtpe_buckets *make_buckets(struct rtpe_table *t, u32 bits, u32 link)
{
	struct rtpe_buckets *b = rtpe_alloc(sizeof(*b) + (sizeof(b->heads[0]) << bits));

	if (!b)
		return NULL;
	b->table = t;
	b->shift = 32 - bits;
	b->link = link;
	return b;
}

static u32 bits_of(const struct rtpe_buckets *b)
{
	return 32 - b->shift;
}

static int init_stats(struct rtpe_table *t, u32 cpus)
{
	int err = rtpe_stats_init(&t->targets, cpus, sizeof(struct rtpe_target_counters), sizeof(struct rtpe_details), 0);

	if (err)
		return err;
	err = rtpe_stats_init(&t->outputs, cpus, sizeof(struct rtpe_counters), 0, RTPE_OUTPUT_MAP_OFFSET);
	if (err)
		rtpe_stats_exit(&t->targets);
	return err;
}

int rtpe_table_init(struct rtpe_table *t, const struct rtpe_host_ops *host, u32 cpus)
{
	struct rtpe_buckets *b;
	int err;

	memset(t, 0, sizeof(*t));
	t->host = host;
	b = make_buckets(t, RTPE_MIN_BUCKET_BITS, 0);
	if (!b)
		return -ENOMEM;
	err = init_stats(t, cpus);
	if (err)
		rtpe_free(b);
	else
		rtpe_rcu_set(t->buckets, b);
	return err;
}

void rtpe_table_exit(struct rtpe_table *t)
{
	rtpe_stats_exit(&t->targets);
	rtpe_stats_exit(&t->outputs);
	rtpe_free(t->by_slot);
	rtpe_free(rtpe_rcu_own(t->buckets));
}

/* The pointer that holds the target for `local`, or the NULL at the chain's end. */
static struct rtpe_target RTPE_RCU **place_of(struct rtpe_table *t, const struct rtpe_addr *local)
{
	struct rtpe_buckets *b = rtpe_rcu_own(t->buckets);
	struct rtpe_target RTPE_RCU **at = &b->heads[rtpe_addr_hash(local) >> b->shift];
	struct rtpe_target *x;

	while ((x = rtpe_rcu_own(*at)) && !rtpe_addr_equal(&x->local, local))
		at = &x->next[b->link];
	return at;
}

static void free_buckets(struct rtpe_deferred *d)
{
	struct rtpe_buckets *b = container_of(d, struct rtpe_buckets, deferred);

	rtpe_store_release(&b->table->settling, 0);
	rtpe_free(b);
}

static void fill_buckets(struct rtpe_buckets *b)
{
	struct rtpe_target RTPE_RCU **head;
	struct rtpe_target *x;
	u32 slot = 0;

	for (; (x = rtpe_table_next(b->table, &slot)); slot++) {
		head = &b->heads[rtpe_addr_hash(&x->local) >> b->shift];
		rtpe_rcu_set(x->next[b->link], rtpe_rcu_own(*head));
		rtpe_rcu_set(*head, x);
	}
}

/* After a target came. Without memory, or while packets may still use the other link, the chains grow instead. */
static void grow(struct rtpe_table *t)
{
	struct rtpe_buckets *old = rtpe_rcu_own(t->buckets), *b;
	u32 bits = bits_of(old);

	if (t->num_targets <= 1u << bits || bits == RTPE_MAX_BUCKET_BITS || rtpe_load_acquire(&t->settling))
		return;
	while (bits < RTPE_MAX_BUCKET_BITS && t->num_targets > 1u << (bits - 1))
		bits++;
	b = make_buckets(t, bits, !old->link);
	if (!b)
		return;
	fill_buckets(b);
	WRITE_ONCE(t->settling, 1);
	rtpe_rcu_set(t->buckets, b);
	rtpe_defer(&old->deferred, free_buckets);
}

static void free_target(struct rtpe_deferred *d)
{
	rtpe_target_destroy(container_of(d, struct rtpe_target, deferred));
}

/* Room for a slot in by_slot. */
static int reserve_slot(struct rtpe_table *t, u32 slot)
{
	struct rtpe_target **more;
	u32 n = t->num_slots ? t->num_slots : RTPE_SLOTS_PER_CHUNK;

	if (slot < t->num_slots)
		return 0;
	while (n <= slot)
		n *= 2;
	more = rtpe_alloc(n * sizeof(*more));
	if (!more)
		return -ENOMEM;
	if (t->num_slots)
		memcpy(more, t->by_slot, t->num_slots * sizeof(*more));
	rtpe_free(t->by_slot);
	t->by_slot = more;
	t->num_slots = n;
	return 0;
}

/* In the place of `old`, or at the end of a chain. */
static void link_at(struct rtpe_table *t, struct rtpe_target RTPE_RCU **at, struct rtpe_target *x,
		    struct rtpe_target *old)
{
	u32 link = rtpe_rcu_own(t->buckets)->link;

	x->serial = ++t->serial;
	t->by_slot[x->slot] = x;
	if (old) {
		rtpe_rcu_set(x->next[link], rtpe_rcu_own(old->next[link]));
		rtpe_target_succeed(x, old);
	} else {
		t->num_targets++;
	}
	rtpe_rcu_set(*at, x);
	rtpe_store_release(&t->changes, t->changes + 1);
	if (old)
		rtpe_defer(&old->deferred, free_target);
	else
		grow(t);
}

static int add(struct rtpe_table *t, const struct rtpe_message *m, bool replace, struct rtpe_target **added)
{
	struct rtpe_target RTPE_RCU **at = place_of(t, &m->target->local);
	struct rtpe_target *old = rtpe_rcu_own(*at), *x;
	int err;

	if (old && !replace)
		return -EEXIST;
	err = rtpe_target_create(&x, t, m, old);
	if (err)
		return err;
	if (!old) {
		err = reserve_slot(t, x->slot);
		if (err) {
			rtpe_target_destroy(x);
			return err;
		}
	}
	rtpe_target_seed(x, m);
	link_at(t, at, x, old);
	*added = x;
	return 0;
}

int rtpe_table_add(struct rtpe_table *t, const struct rtpe_target_msg *msg, u32 len, bool replace,
		   struct rtpe_target **added)
{
	struct rtpe_message *m = rtpe_alloc(sizeof(*m));	/* too large for a kernel's stack */
	int err;

	if (!m)
		return -ENOMEM;
	err = rtpe_message_parse(m, msg, len);
	if (!err)
		err = add(t, m, replace, added);
	rtpe_free(m);
	return err;
}

static void unlink_at(struct rtpe_table *t, struct rtpe_target RTPE_RCU **at)
{
	struct rtpe_target *x = rtpe_rcu_own(*at);

	rtpe_rcu_set(*at, rtpe_rcu_own(x->next[rtpe_rcu_own(t->buckets)->link]));
	t->by_slot[x->slot] = NULL;
	t->num_targets--;
	rtpe_store_release(&t->changes, t->changes + 1);
	rtpe_defer(&x->deferred, free_target);
}

int rtpe_table_remove(struct rtpe_table *t, const struct rtpe_addr *local)
{
	struct rtpe_target RTPE_RCU **at = place_of(t, local);

	if (!rtpe_rcu_own(*at))
		return -ENOENT;
	unlink_at(t, at);
	return 0;
}

void rtpe_table_flush(struct rtpe_table *t)
{
	struct rtpe_target *x;
	u32 slot = 0;

	while ((x = rtpe_table_next(t, &slot)))
		unlink_at(t, place_of(t, &x->local));
}

struct rtpe_target *rtpe_table_next(const struct rtpe_table *t, u32 *slot)
{
	for (; *slot < t->num_slots; ++*slot)
		if (t->by_slot[*slot])
			return t->by_slot[*slot];
	return NULL;
}

const void *rtpe_table_memory(const struct rtpe_table *t, u64 offset, u32 *bytes)
{
	const struct rtpe_stats *s = offset < RTPE_OUTPUT_MAP_OFFSET ? &t->targets : &t->outputs;
	u64 chunk = rtpe_div64(offset - s->pool.map_offset, s->pool.chunk_bytes);

	*bytes = s->pool.chunk_bytes;
	if (chunk >= RTPE_MAX_CHUNKS || offset != s->pool.map_offset + chunk * s->pool.chunk_bytes)
		return NULL;
	return rtpe_stats_chunk(s, (u32)chunk);
}

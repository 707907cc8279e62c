// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.h"

static u32 bucket_of(const struct rtpe_addr *a)
{
	u64 x;
	u32 h = a->port * 0x9e3779b1u;

	if (a->family == RTPE_FAMILY_IP6) {
		memcpy(&x, a->ip + 8, 8);
		h ^= (u32)((x * 0x9e3779b97f4a7c15ull) >> 32);
		memcpy(&x, a->ip, 8);
		h ^= (u32)((x * 0xc2b2ae3d27d4eb4full) >> 32);
	} else {
		h ^= rtpe_read32(a->ip) * 0x85ebca6bu;
	}
	return (h ^ h >> 15) & (RTPE_TABLE_BUCKETS - 1);
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
	int err;

	memset(t, 0, sizeof(*t));
	t->host = host;
	t->buckets = rtpe_alloc(RTPE_TABLE_BUCKETS * sizeof(*t->buckets));
	if (!t->buckets)
		return -ENOMEM;
	err = init_stats(t, cpus);
	if (err)
		rtpe_free(t->buckets);
	return err;
}

void rtpe_table_exit(struct rtpe_table *t)
{
	rtpe_stats_exit(&t->targets);
	rtpe_stats_exit(&t->outputs);
	rtpe_free(t->by_slot);
	rtpe_free(t->buckets);
}

struct rtpe_target *rtpe_table_find(const struct rtpe_table *t, const struct rtpe_addr *local)
{
	struct rtpe_target *x = rtpe_rcu_get(t->buckets[bucket_of(local)]);

	while (x && !rtpe_addr_equal(&x->local, local))
		x = rtpe_rcu_get(x->next);
	return x;
}

/* The pointer that holds the target for `local`, or the NULL at the chain's end. */
static struct rtpe_target RTPE_RCU **place_of(struct rtpe_table *t, const struct rtpe_addr *local)
{
	struct rtpe_target RTPE_RCU **at = &t->buckets[bucket_of(local)];
	struct rtpe_target *x;

	while ((x = rtpe_rcu_own(*at)) && !rtpe_addr_equal(&x->local, local))
		at = &x->next;
	return at;
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
	x->serial = ++t->serial;
	t->by_slot[x->slot] = x;
	if (old) {
		rtpe_rcu_set(x->next, rtpe_rcu_own(old->next));
		rtpe_target_succeed(x, old);
	} else {
		t->num_targets++;
	}
	rtpe_rcu_set(*at, x);
	rtpe_store_release(&t->changes, t->changes + 1);
	if (old)
		rtpe_defer(&old->deferred, free_target);
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

	rtpe_rcu_set(*at, rtpe_rcu_own(x->next));
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
	u32 i;

	for (i = 0; i < RTPE_TABLE_BUCKETS; i++)
		while (rtpe_rcu_own(t->buckets[i]))
			unlink_at(t, &t->buckets[i]);
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

// SPDX-License-Identifier: GPL-2.0-or-later
#include "table.h"
#include "ssrc.h"

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

int rtpe_table_init(struct rtpe_table *t, const struct rtpe_host_ops *host, u32 cpus)
{
	int err;

	memset(t, 0, sizeof(*t));
	t->host = host;
	t->buckets = rtpe_alloc(RTPE_TABLE_BUCKETS * sizeof(*t->buckets));
	if (!t->buckets)
		return -ENOMEM;
	err = rtpe_stats_init(&t->stats, cpus);
	if (err)
		rtpe_free(t->buckets);
	return err;
}

void rtpe_table_exit(struct rtpe_table *t)
{
	rtpe_stats_exit(&t->stats);
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

int rtpe_table_add(struct rtpe_table *t, const struct rtpe_target_msg *msg, u32 len, bool replace,
		   struct rtpe_target **added)
{
	struct rtpe_target RTPE_RCU **at;
	struct rtpe_target *old, *x;
	u32 i;
	int err;

	if (len < sizeof(*msg))
		return -EINVAL;
	at = place_of(t, &msg->local);
	old = rtpe_rcu_own(*at);
	if (old && !replace)
		return -EEXIST;
	err = rtpe_target_create(&x, t, msg, len, old);
	if (err)
		return err;
	x->serial = ++t->serial;
	for (i = 0; i < msg->num_ssrcs; i++)
		rtpe_ssrc_seed(x->ssrc, &msg->ssrc[i]);
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
	*added = x;
	return 0;
}

static void unlink_at(struct rtpe_table *t, struct rtpe_target RTPE_RCU **at)
{
	struct rtpe_target *x = rtpe_rcu_own(*at);

	rtpe_rcu_set(*at, rtpe_rcu_own(x->next));
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

struct rtpe_target *rtpe_table_bucket(const struct rtpe_table *t, u32 bucket)
{
	return rtpe_rcu_own(t->buckets[bucket]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A forwarding table: targets by local address and port. */
#ifndef RTPE_CORE_TABLE_H
#define RTPE_CORE_TABLE_H

#include "intercept.h"
#include "stats.h"
#include "target.h"

#define RTPE_MIN_BUCKET_BITS 5
#define RTPE_MAX_BUCKET_BITS 20

/*
 * The targets by hash. When there are more of them than buckets, all are linked
 * into a larger array by their other link, which then takes the place of this one:
 * a packet that still looks here finds every target that was there when it began.
 */
struct rtpe_buckets {
	struct rtpe_table *table;
	u32 shift;		/* a hash without its lowest so many bits is the number of a bucket */
	u32 link;		/* the one of rtpe_target.next that these chains use */
	struct rtpe_deferred deferred;
	struct rtpe_target RTPE_RCU *heads[];
};

struct rtpe_host_ops {
	/* Optional: refuses a local address that this engine cannot serve. May sleep. */
	int (*target_check)(struct rtpe_table *t, const struct rtpe_addr *local);
	/* Finds what o needs to be sent (route, socket); sets o->host. May sleep. */
	int (*output_init)(struct rtpe_target *t, struct rtpe_output *o);
	/* Also for an output whose output_init failed or was never reached. */
	void (*output_release)(struct rtpe_output *o);
	/* Optional: whether what is for t can only come from this very host, and so from no network device. May sleep. */
	bool (*is_inner)(const struct rtpe_target *t);
	/* Optional: take packets from a network device, as uapi/rtpengine.h says. May sleep. */
	int (*hook_add)(struct rtpe_table *t, const char *device);
	int (*hook_del)(struct rtpe_table *t, const char *device);
};

struct rtpe_table {
	const struct rtpe_host_ops *host;
	const struct rtpe_cipher_ops *ciphers;	/* NULL: no SRTP */
	struct rtpe_intercept *intercept;	/* NULL: no interception */
	struct rtpe_stats targets, outputs;
	u32 options;		/* RTPE_OPTION_* */
	u32 num_targets;
	u32 serial;		/* of the target added last */
	u64 changes;		/* steps when targets came or went, before they are deferred */
	bool terminal;		/* nothing lies behind: "passed" packets count as received */
	struct rtpe_buckets RTPE_RCU *buckets;
	u32 settling;		/* packets may be in former buckets still: the other link is in use */
	struct rtpe_target **by_slot;	/* for listings: an order that additions and removals do not disturb */
	u32 num_slots;
};

int rtpe_table_init(struct rtpe_table *t, const struct rtpe_host_ops *host, u32 cpus);

/* When no packet, command or reader can come any more and rtpe_table_flush()'s targets are gone. */
void rtpe_table_exit(struct rtpe_table *t);

static inline u32 rtpe_addr_hash(const struct rtpe_addr *a)
{
	u64 x = 0, y = 0;

	if (a->family == RTPE_FAMILY_IP6) {
		memcpy(&x, a->ip, 8);
		memcpy(&y, a->ip + 8, 8);
		x = x * 0xc2b2ae3d27d4eb4full ^ y;
		x ^= x >> 32;
	} else {
		memcpy(&x, a->ip, 4);
	}
	x ^= (u64)a->port << 32;
	return (u32)((x * 0x9e3779b97f4a7c15ull) >> 32);
}

/* Inside rtpe_read_lock(). NULL: no such target. */
static __always_inline struct rtpe_target *rtpe_table_find(const struct rtpe_table *t, const struct rtpe_addr *local)
{
	const struct rtpe_buckets *b = rtpe_rcu_get(t->buckets);
	struct rtpe_target *x = rtpe_rcu_get(b->heads[rtpe_addr_hash(local) >> b->shift]);

	while (x && !rtpe_addr_equal(&x->local, local))
		x = rtpe_rcu_get(x->next[b->link]);
	return x;
}

/* A message of `len` bytes. EEXIST unless `replace`; else as uapi/rtpengine.h says. */
int rtpe_table_add(struct rtpe_table *t, const struct rtpe_target_msg *msg, u32 len, bool replace,
		   struct rtpe_target **added);

/* Out of the table at once, freed when no packet can see it. ENOENT. */
int rtpe_table_remove(struct rtpe_table *t, const struct rtpe_addr *local);
void rtpe_table_flush(struct rtpe_table *t);

/* The chunk of statistics memory mapped at an offset, and the bytes of it; NULL: there is none (yet). */
const void *rtpe_table_memory(const struct rtpe_table *t, u64 offset, u32 *bytes);

/* For writers and listings: the target with the lowest slot that is not below *slot, which becomes its own; or NULL. */
struct rtpe_target *rtpe_table_next(const struct rtpe_table *t, u32 *slot);

#endif

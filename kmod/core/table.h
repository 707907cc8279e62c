/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A forwarding table: targets by local address and port. */
#ifndef RTPE_CORE_TABLE_H
#define RTPE_CORE_TABLE_H

#include "intercept.h"
#include "stats.h"
#include "target.h"

#define RTPE_TABLE_BUCKETS 16384

struct rtpe_host_ops {
	/* Optional: refuses a local address that this engine cannot serve. May sleep. */
	int (*target_check)(struct rtpe_table *t, const struct rtpe_addr *local);
	/* Finds what o needs to be sent (route, socket); sets o->host. May sleep. */
	int (*output_init)(struct rtpe_target *t, struct rtpe_output *o);
	/* Also for an output whose output_init failed or was never reached. */
	void (*output_release)(struct rtpe_output *o);
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
	struct rtpe_target RTPE_RCU **buckets;
	struct rtpe_target **by_slot;	/* for listings: an order that additions and removals do not disturb */
	u32 num_slots;
};

int rtpe_table_init(struct rtpe_table *t, const struct rtpe_host_ops *host, u32 cpus);

/* When no packet, command or reader can come any more and rtpe_table_flush()'s targets are gone. */
void rtpe_table_exit(struct rtpe_table *t);

/* Inside rtpe_read_lock(). NULL: no such target. */
struct rtpe_target *rtpe_table_find(const struct rtpe_table *t, const struct rtpe_addr *local);

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

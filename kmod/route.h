/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The way an output's packets take: looked up when the output is made, kept, and
 * looked up again when routing has changed.
 */
#ifndef RTPE_ROUTE_H
#define RTPE_ROUTE_H

#include <net/dst.h>
#include "core/table.h"

/* The result of one look-up. Immutable; packets use it without a reference, inside RCU. */
struct rtpe_route {
	struct dst_entry *dst;
	u32 cookie;		/* for dst_check() */
	bool to_self;		/* leads back to this host */
	struct rcu_head rcu;
};

extern const struct rtpe_host_ops rtpe_route_ops;

/*
 * A valid route for o in the network namespace `net`, inside rcu_read_lock();
 * an ERR_PTR if there is none. Does not sleep.
 */
struct rtpe_route *rtpe_route_get(const struct rtpe_output *o, struct net *net);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A forwarding table with its commands, whose outputs send through sockets of the relay. */
#ifndef RTPE_RELAY_ENGINE_H
#define RTPE_RELAY_ENGINE_H

#include "../../kmod/core/command.h"
#include "map.h"
#include "rcu.h"
#include "relay.h"

struct rtpe_engine {
	struct rtpe_table table;
	struct rtpe_owner owner;
	pthread_mutex_t lock;		/* table changes */
	struct rtpe_reader reader;	/* the thread that has the lock: another engine's may reclaim */
	struct rtpe_socket_map *sockets;
	bool owns_sockets;		/* a target's local address must be an open socket */
};

/* `threads` may handle packets, each with its own rtpe_thread_index below that. */
int rtpe_engine_init(struct rtpe_engine *e, struct rtpe_socket_map *sockets, u32 threads, bool owns_sockets);

/* No thread may look at the table any more. */
void rtpe_engine_exit(struct rtpe_engine *e);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The relay as its own files see it. */
#ifndef RTPE_RELAY_INSIDE_H
#define RTPE_RELAY_INSIDE_H

#include "worker.h"

#define RTPE_MAX_THREADS 64

struct rtpe_relay {
	pthread_mutex_t lock;		/* opening and closing of sockets, stopping */
	struct rtpe_engine engine;
	struct rtpe_socket_map sockets;
	struct rtpe_event_queue events;
	struct rtpe_handed_queue handed;
	int nothing_fd;			/* what closed sockets become */
	struct rtpe_crew crew;
	u32 running;
	struct rtpe_worker workers[];
};

#endif

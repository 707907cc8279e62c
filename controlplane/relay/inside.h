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
	int stop_fd;			/* eventfd: readable when the workers are to end */
	int nothing_fd;			/* what closed sockets become */
	u32 threads, running;
	struct rtpe_worker workers[];
};

#endif

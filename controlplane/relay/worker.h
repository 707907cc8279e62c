/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A packet thread: waits for its sockets and forwards what they receive. */
#ifndef RTPE_RELAY_WORKER_H
#define RTPE_RELAY_WORKER_H

#include <sys/socket.h>

#include "address.h"
#include "engine.h"
#include "event.h"
#include "rcu.h"
#include "transmit.h"

struct rtpe_worker {
	struct rtpe_reader reader;
	struct rtpe_engine *engine;
	struct rtpe_event_queue *events;
	u32 index;
	int epoll;
	u64 turn;			/* counts wake-ups */
	u32 sockets[2];			/* assigned, by parity of their port; the control side's */
	u64 strays, suppressed, failures;
	pthread_t thread;

	/* receive.c */
	u8 *buffers;			/* RTPE_BATCH of RTPE_BUFFER bytes, then one to encrypt in */
	struct rtpe_packet packets[RTPE_BATCH];
	union rtpe_sockaddr sources[RTPE_BATCH];
	struct iovec iovs[RTPE_BATCH];
	struct mmsghdr messages[RTPE_BATCH];
};

/* Starts the thread; it ends when `stop_fd` becomes readable. */
int rtpe_worker_start(struct rtpe_worker *w, u32 index, struct rtpe_engine *engine, struct rtpe_event_queue *events,
		      int stop_fd);

/* After stop_fd became readable. */
void rtpe_worker_join(struct rtpe_worker *w);

/* From now on (no longer) the worker reads s. */
int rtpe_worker_assign(struct rtpe_worker *w, struct rtpe_socket *s);
void rtpe_worker_dismiss(struct rtpe_worker *w, struct rtpe_socket *s);

/* receive.c: buffers of a worker, and one turn of a readable socket. */
int rtpe_receive_init(struct rtpe_worker *w);
void rtpe_receive_exit(struct rtpe_worker *w);
void rtpe_receive(struct rtpe_worker *w, struct rtpe_socket *s);

#endif

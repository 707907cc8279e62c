/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A packet thread: waits for its sockets and forwards what they receive. */
#ifndef RTPE_RELAY_WORKER_H
#define RTPE_RELAY_WORKER_H

#include <sys/socket.h>
#include <time.h>

#include "address.h"
#include "engine.h"
#include "event.h"
#include "handed.h"
#include "rcu.h"
#include "transmit.h"

/* All packet threads of a relay. */
struct rtpe_crew {
	struct rtpe_worker *workers;
	u32 count;
	int stop_fd;			/* the threads end when it becomes readable */
	struct rtpe_engine *engine;
	struct rtpe_event_queue *events;
	struct rtpe_handed_queue *handed;
};

struct rtpe_worker {
	struct rtpe_reader reader;
	const struct rtpe_crew *crew;
	struct rtpe_engine *engine;
	struct rtpe_event_queue *events;
	u32 index;
	int epoll;
	u64 strays, suppressed, failures;
	pthread_t thread;

	u64 turn;			/* counts wake-ups */
	u64 now_us;			/* when the last packets were read */
	u32 packets_read;		/* since the last rtpe_balance() */
	u64 balanced_turn, balanced_us;	/* when that was */
	u32 load;			/* packets a turn before that; others look at it */
	u32 strained;			/* periods in a row with too much of it */
	bool yielding;			/* hands its sockets to another thread */

	/* receive.c */
	u8 *buffers;			/* RTPE_BATCH of RTPE_BUFFER bytes, then as many for copies */
	struct rtpe_packet packets[RTPE_BATCH];
	union rtpe_sockaddr sources[RTPE_BATCH];
	struct iovec iovs[RTPE_BATCH];
	struct mmsghdr messages[RTPE_BATCH];
};

/* Starts the thread with this index in the crew. */
int rtpe_worker_start(struct rtpe_crew *crew, u32 index);

/* After stop_fd became readable. */
void rtpe_worker_join(struct rtpe_worker *w);

/* From now on (no longer) the worker reads s. A closed socket leaves by itself. */
int rtpe_worker_assign(struct rtpe_worker *w, struct rtpe_socket *s);
void rtpe_worker_dismiss(struct rtpe_worker *w, struct rtpe_socket *s);

/* balance.c: who reads a new socket, and moving sockets between threads now and then. */
struct rtpe_worker *rtpe_balance_place(const struct rtpe_crew *crew, u64 now_us);

/* `ready`: descriptors of this turn, all their packets dealt with. Every period, and while yielding. */
#define RTPE_BALANCE_US 100000

static inline bool rtpe_balance_due(const struct rtpe_worker *w)
{
	/* Also when the clock was set back. */
	return w->now_us - w->balanced_us >= RTPE_BALANCE_US;
}

void rtpe_balance(struct rtpe_worker *w, const u32 *ready, u32 count);

/* receive.c: buffers of a worker, and one turn of a readable socket. */
int rtpe_receive_init(struct rtpe_worker *w);
void rtpe_receive_exit(struct rtpe_worker *w);
void rtpe_receive(struct rtpe_worker *w, struct rtpe_socket *s);

/* Unix time in microseconds. */
static inline u64 rtpe_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (u64)t.tv_sec * 1000000 + (u64)t.tv_nsec / 1000;
}

#endif

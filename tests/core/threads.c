// SPDX-License-Identifier: GPL-3.0-or-later
/* Events between threads, and which thread reads which socket. */
#include "../../controlplane/relay/worker.h"
#include "check.h"
#include "support.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

static bool readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

TEST(event_queue_keeps_order_and_counts_what_it_loses)
{
	struct rtpe_event_queue *q = calloc(1, sizeof(*q));
	struct rtpe_event e = { .type = RTPE_EVENT_SOURCE }, out[100];
	u64 next = 0;
	int n, i;

	CHECK_EQ(rtpe_event_queue_init(q), 0);
	CHECK(!readable(q->fd));
	CHECK_EQ(rtpe_event_take(q, out, 100), 0);
	for (e.now_us = 0; e.now_us < RTPE_EVENT_ROOM + 5; e.now_us++)
		CHECK_EQ(rtpe_event_put(q, &e), e.now_us < RTPE_EVENT_ROOM);
	CHECK_EQ(q->overflows, 5);
	while (readable(q->fd)) {
		n = rtpe_event_take(q, out, 100);
		CHECK(n > 0);
		for (i = 0; i < n; i++)
			CHECK_EQ(out[i].now_us, next++);
	}
	CHECK_EQ(next, RTPE_EVENT_ROOM);
	CHECK(rtpe_event_put(q, &e) && readable(q->fd));
	rtpe_event_queue_exit(q);
	free(q);
}

#define SOCKETS 8

/* Two workers without threads, and sockets that the first one reads. */
struct crew {
	struct rtpe_crew crew;
	struct rtpe_engine engine;
	struct rtpe_socket_map map;
	struct rtpe_worker *workers;
	struct rtpe_socket *sockets[SOCKETS];
	u32 fds[SOCKETS];
};

static void crew_init(struct crew *c)
{
	struct rtpe_addr local;
	u16 port = 20000;
	u32 i;

	memset(c, 0, sizeof(*c));
	CHECK_EQ(rtpe_socket_map_init(&c->map), 0);
	c->engine.sockets = &c->map;
	c->workers = aligned_alloc(64, 2 * sizeof(*c->workers));
	memset(c->workers, 0, 2 * sizeof(*c->workers));
	c->crew = (struct rtpe_crew){ .workers = c->workers, .count = 2, .engine = &c->engine };
	for (i = 0; i < 2; i++) {
		c->workers[i].crew = &c->crew;
		c->workers[i].engine = &c->engine;
		c->workers[i].index = i;
		c->workers[i].epoll = epoll_create1(0);
		c->workers[i].now_us = c->workers[i].balanced_us = 1000000;
	}
	for (i = 0; i < SOCKETS; i++) {
		do
			local = address4(0x7f000001, port++);
		while (rtpe_socket_create(&c->sockets[i], &local, 0));
		CHECK_EQ(rtpe_socket_map_add(&c->map, c->sockets[i]), 0);
		CHECK_EQ(rtpe_worker_assign(&c->workers[0], c->sockets[i]), 0);
		c->fds[i] = (u32)c->sockets[i]->fd;
	}
}

static void crew_exit(struct crew *c)
{
	struct rtpe_socket *s;

	while ((s = rtpe_socket_map_remove_any(&c->map)))
		rtpe_socket_unref(s);
	close(c->workers[0].epoll);
	close(c->workers[1].epoll);
	free(c->workers);
	rtpe_socket_map_exit(&c->map);
}

/* A period in which the worker read so many packets a turn; its last turn had all sockets. */
static void period(struct crew *c, u32 worker, u32 packets)
{
	struct rtpe_worker *w = &c->workers[worker];

	w->turn += 10;
	w->packets_read += 10 * packets;
	w->now_us += RTPE_BALANCE_US;
	CHECK(rtpe_balance_due(w));
	rtpe_balance(w, c->fds, SOCKETS);
}

static u32 assigned(const struct crew *c, u32 worker)
{
	u32 i, count = 0;

	for (i = 0; i < SOCKETS; i++)
		count += rtpe_socket_worker(c->sockets[i]) == &c->workers[worker];
	return count;
}

TEST(balance_one_thread_does_while_it_keeps_up)
{
	struct crew c;
	u32 i;

	crew_init(&c);
	for (i = 0; i < 10; i++)
		period(&c, 0, 30);
	CHECK_EQ(assigned(&c, 0), SOCKETS);
	for (i = 0; i < 2; i++)
		period(&c, 0, 100);
	period(&c, 0, 1);
	CHECK_EQ(assigned(&c, 0), SOCKETS);
	crew_exit(&c);
}

TEST(balance_a_strained_thread_gives_half_and_gets_it_back)
{
	struct crew c;
	u32 i;

	crew_init(&c);
	for (i = 0; i < 3; i++)
		period(&c, 0, 100);
	CHECK_EQ(assigned(&c, 1), SOCKETS / 2);
	for (i = 0; i < 5; i++) {
		period(&c, 0, 20);
		period(&c, 1, 20);
	}
	CHECK_EQ(assigned(&c, 1), SOCKETS / 2);
	period(&c, 0, 5);
	period(&c, 1, 5);
	CHECK_EQ(assigned(&c, 0), SOCKETS);
	crew_exit(&c);
}

TEST(balance_strain_on_both_moves_nothing)
{
	struct crew c;
	u32 i;

	crew_init(&c);
	c.workers[1].load = 100;
	for (i = 0; i < 10; i++) {
		c.workers[1].balanced_us = c.workers[0].now_us;
		period(&c, 0, 100);
	}
	CHECK_EQ(assigned(&c, 0), SOCKETS);
	crew_exit(&c);
}

TEST(balance_new_sockets_go_where_there_is_room)
{
	struct crew c;

	crew_init(&c);
	CHECK(rtpe_balance_place(&c.crew, 1000000) == &c.workers[0]);
	c.workers[0].load = 100;
	CHECK(rtpe_balance_place(&c.crew, 1000000) == &c.workers[1]);
	c.workers[1].load = 200;
	CHECK(rtpe_balance_place(&c.crew, 1000000) == &c.workers[0]);
	/* What was noted long ago is not true any more. */
	CHECK(rtpe_balance_place(&c.crew, 9000000) == &c.workers[0]);
	crew_exit(&c);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "worker.h"

#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#define EVENTS 64
#define STOP (~(u64)0)		/* in place of a descriptor */

/*
 * Level-triggered: a socket that still has packets is reported again, after all
 * others that have some. So each gets its turn however much one of them receives.
 * Descriptors, not pointers, wait in epoll: those are looked up once online.
 */
static bool take_turn(struct rtpe_worker *w, const struct epoll_event *events, u32 count)
{
	u32 ready[EVENTS], i;
	struct rtpe_socket *s;

	for (i = 0; i < count; i++) {
		if (events[i].data.u64 == STOP)
			return false;
		ready[i] = (u32)events[i].data.u64;
		if (i + 1 < count && events[i + 1].data.u64 != STOP)
			__builtin_prefetch(rtpe_socket_map_serve(w->engine->sockets, (u32)events[i + 1].data.u64));
		s = rtpe_socket_map_serve(w->engine->sockets, ready[i]);
		if (likely(s && rtpe_socket_worker(s) == w))
			rtpe_receive(w, s);
	}
	if (unlikely(w->yielding || rtpe_balance_due(w)))
		rtpe_balance(w, ready, count);
	return true;
}

static void *run(void *arg)
{
	struct rtpe_worker *w = arg;
	struct epoll_event events[EVENTS];
	bool go_on = true;
	int n;

	rtpe_thread_index = w->index;
	while (go_on) {
		n = epoll_wait(w->epoll, events, EVENTS, -1);
		if (n < 0)
			continue;
		w->turn++;
		rtpe_reader_online(&w->reader);
		go_on = take_turn(w, events, (u32)n);
		rtpe_reader_offline(&w->reader);
	}
	return NULL;
}

/* Signals are for the program's own threads. */
static int start_thread(struct rtpe_worker *w)
{
	sigset_t all, before;
	char name[16];
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return -err;
	snprintf(name, sizeof(name), "relay-%u", w->index);
	pthread_setname_np(w->thread, name);
	return 0;
}

int rtpe_worker_start(struct rtpe_crew *crew, u32 index)
{
	struct epoll_event stop = { .events = EPOLLIN, .data.u64 = STOP };
	struct rtpe_worker *w = &crew->workers[index];
	int err;

	w->crew = crew;
	w->index = index;
	w->engine = crew->engine;
	w->events = crew->events;
	err = rtpe_receive_init(w);
	if (err)
		return err;
	w->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll < 0) {
		err = -errno;
		goto err_buffers;
	}
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, crew->stop_fd, &stop)) {
		err = -errno;
		goto err_epoll;
	}
	rtpe_reader_register(&w->reader);
	err = start_thread(w);
	if (!err)
		return 0;
	rtpe_reader_unregister(&w->reader);
err_epoll:
	close(w->epoll);
err_buffers:
	rtpe_receive_exit(w);
	return err;
}

void rtpe_worker_join(struct rtpe_worker *w)
{
	pthread_join(w->thread, NULL);
	rtpe_reader_unregister(&w->reader);
	close(w->epoll);
	rtpe_receive_exit(w);
}

int rtpe_worker_assign(struct rtpe_worker *w, struct rtpe_socket *s)
{
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = (u64)s->fd };

	rtpe_socket_set_worker(s, w);
	return epoll_ctl(w->epoll, EPOLL_CTL_ADD, s->fd, &e) ? -errno : 0;
}

void rtpe_worker_dismiss(struct rtpe_worker *w, struct rtpe_socket *s)
{
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, s->fd, NULL);
}

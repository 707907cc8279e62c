// SPDX-License-Identifier: GPL-3.0-or-later
#include "rcu.h"

#include <time.h>

__thread u32 rtpe_thread_index;
u64 rtpe_epoch = 1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rtpe_reader *readers;
static struct rtpe_deferred *oldest, *newest;	/* in the order of their epochs */
static u32 reclaiming;				/* threads that free what they detached */
static const struct timespec pause = { .tv_nsec = 100000 };

void rtpe_reader_register(struct rtpe_reader *r)
{
	pthread_mutex_lock(&lock);
	r->seen = 0;
	r->next = readers;
	readers = r;
	pthread_mutex_unlock(&lock);
}

void rtpe_reader_unregister(struct rtpe_reader *r)
{
	struct rtpe_reader **at = &readers;

	pthread_mutex_lock(&lock);
	while (*at && *at != r)
		at = &(*at)->next;
	if (*at)
		*at = r->next;
	pthread_mutex_unlock(&lock);
}

void rtpe_defer(struct rtpe_deferred *d, void (*fn)(struct rtpe_deferred *d))
{
	d->fn = fn;
	d->next = NULL;
	pthread_mutex_lock(&lock);
	d->epoch = __atomic_add_fetch(&rtpe_epoch, 1, __ATOMIC_SEQ_CST);
	if (newest)
		newest->next = d;
	else
		oldest = d;
	newest = d;
	pthread_mutex_unlock(&lock);
}

/* The epoch up to which everything has left all readers. Call locked. */
static u64 settled_epoch(void)
{
	const struct rtpe_reader *r;
	u64 settled = ~(u64)0, seen;

#ifndef __SANITIZE_THREAD__
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
	for (r = readers; r; r = r->next) {
		seen = __atomic_load_n(&r->seen, __ATOMIC_SEQ_CST);
		if (seen && seen < settled)
			settled = seen;
	}
	return settled;
}

/* Takes what has settled off the list. */
static struct rtpe_deferred *detach_settled(void)
{
	struct rtpe_deferred *first, **end = &first;
	u64 settled;

	pthread_mutex_lock(&lock);
	settled = settled_epoch();
	first = oldest;
	while (*end && (*end)->epoch <= settled)
		end = &(*end)->next;
	oldest = *end;
	if (!oldest)
		newest = NULL;
	*end = NULL;
	reclaiming++;
	pthread_mutex_unlock(&lock);
	return first;
}

void rtpe_reclaim(void)
{
	struct rtpe_deferred *d = detach_settled(), *next;

	for (; d; d = next) {
		next = d->next;
		d->fn(d);
	}
	pthread_mutex_lock(&lock);
	reclaiming--;
	pthread_mutex_unlock(&lock);
}

void rtpe_readers_wait(void)
{
	u64 now = __atomic_add_fetch(&rtpe_epoch, 1, __ATOMIC_SEQ_CST), settled;

	for (;;) {
		pthread_mutex_lock(&lock);
		settled = settled_epoch();
		pthread_mutex_unlock(&lock);
		if (settled >= now)
			return;
		nanosleep(&pause, NULL);
	}
}

void rtpe_reclaim_all(void)
{
	u64 until = __atomic_load_n(&rtpe_epoch, __ATOMIC_SEQ_CST);
	bool pending;

	for (;;) {
		rtpe_reclaim();
		pthread_mutex_lock(&lock);
		pending = reclaiming || (oldest && oldest->epoch <= until);
		pthread_mutex_unlock(&lock);
		if (!pending)
			return;
		nanosleep(&pause, NULL);
	}
}

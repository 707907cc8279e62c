/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reclamation for readers that take no lock (quiescent state based).
 *
 * A packet thread is online while it may hold pointers to targets or sockets, and
 * offline whenever it sleeps. What a writer unlinked and handed to rtpe_defer() is
 * freed by a writer's later rtpe_reclaim(), when each thread has been offline, or
 * has come online anew, since then.
 */
#ifndef RTPE_RELAY_RCU_H
#define RTPE_RELAY_RCU_H

#include "../../kmod/core/port.h"

struct rtpe_reader {
	u64 seen;		/* epoch in which it came online; 0: offline */
	struct rtpe_reader *next;
} __attribute__((aligned(64)));

extern u64 rtpe_epoch;

/* The reader must be offline at both. */
void rtpe_reader_register(struct rtpe_reader *r);
void rtpe_reader_unregister(struct rtpe_reader *r);

/*
 * The store must be visible before any pointer is read, or a writer could take
 * this thread for offline while it picks up a pointer that is being unlinked.
 */
static inline void rtpe_reader_online(struct rtpe_reader *r)
{
	__atomic_exchange_n(&r->seen, __atomic_load_n(&rtpe_epoch, __ATOMIC_ACQUIRE), __ATOMIC_SEQ_CST);
#ifndef __SANITIZE_THREAD__
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static inline void rtpe_reader_offline(struct rtpe_reader *r)
{
	__atomic_store_n(&r->seen, 0, __ATOMIC_RELEASE);
}

/* Frees what no reader can see any more; never waits. Not for packet threads. */
void rtpe_reclaim(void);

/* Waits until each thread that is online now has been offline. Not for packet threads. */
void rtpe_readers_wait(void);

/* Waits until all that was deferred before is freed. */
void rtpe_reclaim_all(void);

#endif

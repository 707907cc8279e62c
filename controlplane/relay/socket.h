/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A media socket: bound once, read by one packet thread, written by any. */
#ifndef RTPE_RELAY_SOCKET_H
#define RTPE_RELAY_SOCKET_H

#include "../../kmod/core/packet.h"
#include "learn.h"
#include "sift.h"

struct rtpe_worker;

/* The target found last, good as long as the table has not changed since. */
struct rtpe_finding {
	const struct rtpe_target *target;	/* NULL: none */
	u64 changes;			/* rtpe_table.changes before it was looked up */
	struct rtpe_target_counters *counters;	/* lines that the next packet will need */
	struct rtpe_counters *output_counters;
	struct rtpe_details *details;
	struct rtpe_socket *output_socket;
};

struct rtpe_socket {
	int fd;
	u8 tos;				/* what the kernel puts on packets by itself */
	struct rtpe_worker *worker;	/* reads it; atomic */

	/* the worker's own */
	u32 budget;			/* packets to read at the next wake-up */
	u64 turn;			/* the wake-up that read last */
	struct rtpe_finding finding;

	struct rtpe_addr local;
	/* the worker's own */
	struct rtpe_learning learning;
	struct rtpe_peer peer;		/* read by all */
	struct rtpe_credit handing;	/* up to ICE and DTLS while nothing is expected; the worker's own */
	struct rtpe_sift RTPE_RCU *sift;	/* NULL: nothing is */

	/* hops.c */
	u64 hops;			/* of what it sends, and when; atomic */
	u64 stranger_since;		/* the worker's own: rtpe_socket_map.additions when ... */
	struct rtpe_addr stranger;	/* ... this source was none of our sockets */

	struct rtpe_socket RTPE_RCU *next;	/* in the map's chain */
	/* the control side's own */
	u32 refs;			/* one while open, one for each output; atomic */
	struct rtpe_deferred deferred;
};

/* Opens, binds and prepares; not served by anyone yet. */
int rtpe_socket_create(struct rtpe_socket **out, const struct rtpe_addr *local, int tos);

/*
 * Gives the port back at once. The descriptor becomes one of the file `nothing`,
 * which neither sends nor receives, and stays taken until the last unref.
 */
void rtpe_socket_detach(struct rtpe_socket *s, int nothing);
void rtpe_socket_ref(struct rtpe_socket *s);
void rtpe_socket_unref(struct rtpe_socket *s);
int rtpe_socket_set_tos(struct rtpe_socket *s, int tos);

/* 0 or a negative errno. */
int rtpe_socket_send(const struct rtpe_socket *s, const struct rtpe_addr *dst, u8 tos, const void *data, u32 len);

/* True if a packet waits to be read. */
bool rtpe_socket_waits(const struct rtpe_socket *s);

static inline struct rtpe_worker *rtpe_socket_worker(const struct rtpe_socket *s)
{
	return __atomic_load_n(&s->worker, __ATOMIC_ACQUIRE);
}

static inline void rtpe_socket_set_worker(struct rtpe_socket *s, struct rtpe_worker *w)
{
	__atomic_store_n(&s->worker, w, __ATOMIC_RELEASE);
}

/* True for an error that a peer, a route or a shortage causes: the socket stays good. */
bool rtpe_socket_error_passes(int error);

#endif

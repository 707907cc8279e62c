/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bounded queue of copied packets, filled by packet threads, emptied by readers
 * that may stall or die. Whoever uses one holds a reference.
 */
#ifndef RTPE_CORE_QUEUE_H
#define RTPE_CORE_QUEUE_H

#include "packet.h"

#define RTPE_MAX_PACKET 65535	/* bytes, with IP header */

struct rtpe_stream_queue;

struct rtpe_queue_ops {
	void (*wake)(struct rtpe_stream_queue *q);	/* something to read, or the end. Never sleeps */
	void (*freed)(void *host);			/* the last reference is gone */
};

struct rtpe_copy {
	struct rtpe_copy *next;
	u32 len;
	u8 data[];
};

struct rtpe_stream_queue {
	rtpe_ref_t refs;
	const struct rtpe_queue_ops *ops;
	void *host;
	u32 max_packets;
	rtpe_lock_t lock;	/* all that follows */
	struct rtpe_copy *first, *last;
	u32 count;
	u64 overflows;
	bool ended;
};

/* With one reference. NULL: no memory. max_packets is at least 1. */
struct rtpe_stream_queue *rtpe_stream_new(const struct rtpe_queue_ops *ops, u32 max_packets);
void rtpe_stream_ref(struct rtpe_stream_queue *q);
void rtpe_stream_unref(struct rtpe_stream_queue *q);	/* not by packets */

/*
 * A packet thread's copy: the payload p with IP and UDP headers from p->src to
 * local before it, checksums right. Never sleeps; a full queue loses its oldest.
 */
void rtpe_stream_put(struct rtpe_stream_queue *q, const struct rtpe_addr *local, const struct rtpe_packet *p);

/* These bytes as they are. */
void rtpe_stream_put_bytes(struct rtpe_stream_queue *q, const void *data, u32 len);

/* No packets come any more; those that wait can still be taken. */
void rtpe_stream_end(struct rtpe_stream_queue *q);

/* For readers, in any thread or process context. */
struct rtpe_copy *rtpe_stream_take(struct rtpe_stream_queue *q);	/* oldest, for rtpe_free(); NULL: none */
bool rtpe_stream_waiting(struct rtpe_stream_queue *q);			/* rtpe_stream_take() has something */
bool rtpe_stream_ended(struct rtpe_stream_queue *q);
u64 rtpe_stream_overflows(struct rtpe_stream_queue *q);			/* packets lost, also for want of memory */

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Intercepted calls and their streams: bounded queues of copied packets, filled by
 * packet threads, emptied by recorders that may stall or die.
 */
#ifndef RTPE_CORE_INTERCEPT_H
#define RTPE_CORE_INTERCEPT_H

#include "packet.h"

#define RTPE_MAX_CALLS 65536
#define RTPE_MAX_STREAMS 262144
#define RTPE_STREAM_PACKETS 10		/* default length of a queue */
#define RTPE_STREAM_PACKETS_MAX 4096

struct rtpe_table;
struct rtpe_stream_queue;

/*
 * Of a table; writers are serialised by its lock. Names are made visible by the
 * host (files below /proc, none in user space), which may refuse: ENOMEM.
 */
struct rtpe_intercept_ops {
	int (*call_added)(struct rtpe_table *t, const char *call, void **host);
	void (*call_removed)(struct rtpe_table *t, void *host);
	int (*stream_added)(struct rtpe_table *t, void *call_host, const char *name, struct rtpe_stream_queue *q,
			    void **host);
	void (*stream_removed)(struct rtpe_table *t, void *host);
	void (*wake)(struct rtpe_stream_queue *q);	/* something to read, or the end */
};

struct rtpe_intercept;

int rtpe_intercept_init(struct rtpe_intercept **out, const struct rtpe_intercept_ops *ops);
void rtpe_intercept_exit(struct rtpe_table *t, struct rtpe_intercept *i);	/* removes what is left */

/* The records of the same names; errors as uapi/rtpengine.h says. */
int rtpe_call_add(struct rtpe_table *t, const struct rtpe_name *name, u32 *index);
int rtpe_call_del(struct rtpe_table *t, u32 index);
int rtpe_stream_add(struct rtpe_table *t, const struct rtpe_stream *stream, u32 *index);
int rtpe_stream_del(struct rtpe_table *t, u32 index);

/* EINVAL without data; ENOENT. */
int rtpe_stream_put_raw(struct rtpe_table *t, u32 index, const void *data, u32 len);

/* For targets: a reference, NULL if there is no such stream. Writers only. */
struct rtpe_stream_queue *rtpe_stream_get(struct rtpe_table *t, u32 index);
void rtpe_stream_unref(struct rtpe_stream_queue *q);

/*
 * A packet thread's copy: the payload p with IP and UDP headers from p->src to
 * local before it, checksums right. Never sleeps; a full queue loses its oldest.
 */
void rtpe_stream_put(struct rtpe_stream_queue *q, const struct rtpe_addr *local, const struct rtpe_packet *p);

/* For readers, in any thread or process context. */
struct rtpe_copy {
	struct rtpe_copy *next;
	u32 len;
	u8 data[];
};
struct rtpe_copy *rtpe_stream_take(struct rtpe_stream_queue *q);	/* oldest, to be freed; NULL: none */
bool rtpe_stream_ended(const struct rtpe_stream_queue *q);
u64 rtpe_stream_overflows(const struct rtpe_stream_queue *q);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Intercepted calls and their streams: names and numbers of a table's queues. */
#ifndef RTPE_CORE_INTERCEPT_H
#define RTPE_CORE_INTERCEPT_H

#include "queue.h"

#define RTPE_MAX_CALLS 65536
#define RTPE_MAX_STREAMS 262144
#define RTPE_STREAM_PACKETS 10		/* default length of a queue */

struct rtpe_table;
struct rtpe_intercept;

/*
 * Of a table; writers are serialised by its lock. Names are made visible by the
 * host (files below /proc, none in user space), which may refuse: ENOMEM. What
 * is NULL is not wanted.
 */
struct rtpe_intercept_ops {
	u32 stream_packets;	/* 0: RTPE_STREAM_PACKETS */
	int (*call_added)(struct rtpe_table *t, const char *call, void **host);
	/* Its streams are gone. */
	void (*call_removed)(struct rtpe_table *t, void *host);
	/* q->host belongs to the host; call_host is what call_added set. */
	int (*stream_added)(struct rtpe_table *t, void *call_host, const char *name, struct rtpe_stream_queue *q);
	/* q has ended and its readers were woken; targets and readers may still hold it. */
	void (*stream_removed)(struct rtpe_table *t, struct rtpe_stream_queue *q);
	struct rtpe_queue_ops queue;
};

/* `ops` must stay as long as any queue. ENOMEM. */
int rtpe_intercept_init(struct rtpe_intercept **out, const struct rtpe_intercept_ops *ops);

/* Removes all calls with their streams. */
void rtpe_intercept_clear(struct rtpe_table *t);

/* The same, and frees t->intercept, which may be NULL. */
void rtpe_intercept_exit(struct rtpe_table *t);

/*
 * The records of the same names; errors as uapi/rtpengine.h says, ERANGE if more
 * than RTPE_MAX_QUEUE are asked for. A call takes its streams with it.
 * Numbers are the table's own; one that was given back means nothing for long.
 */
int rtpe_call_add(struct rtpe_table *t, const struct rtpe_name *name, u32 *index);
int rtpe_call_del(struct rtpe_table *t, u32 index);
int rtpe_stream_add(struct rtpe_table *t, const struct rtpe_stream *stream, u32 *index);
int rtpe_stream_del(struct rtpe_table *t, u32 index);

/* What there is now, and the packets that were lost since the beginning, also in streams that are gone. */
struct rtpe_intercept_totals {
	u32 calls, streams;
	u64 lost;
};

void rtpe_intercept_count(const struct rtpe_table *t, struct rtpe_intercept_totals *out);

/*
 * A whole IP packet; up to seven bytes behind it, that fill a record, are cut off.
 * EINVAL without data, EMSGSIZE with more than an IP packet holds; ENOENT.
 */
int rtpe_stream_put_raw(struct rtpe_table *t, u32 index, const void *data, u32 len);

/* For targets: a reference, NULL if there is no such stream. Writers only. */
struct rtpe_stream_queue *rtpe_stream_get(struct rtpe_table *t, u32 index);

#endif

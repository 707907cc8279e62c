// SPDX-License-Identifier: GPL-3.0-or-later
#include "recorder.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "engine.h"

/* The host's part of a queue. */
struct signal {
	int fd;			/* -1: nobody has read yet */
	bool raised;		/* fd is readable, or about to be */
};

/* A recorder is a reader's reference to a queue. */
static struct rtpe_stream_queue *queue_of(const struct rtpe_recorder *r)
{
	return (struct rtpe_stream_queue *)(uintptr_t)r;
}

static int stream_added(struct rtpe_table *t, void *call, const char *name, struct rtpe_stream_queue *q)
{
	struct signal *s = rtpe_alloc(sizeof(*s));

	(void)t;
	(void)call;
	(void)name;
	if (!s)
		return -ENOMEM;
	s->fd = -1;
	q->host = s;
	return 0;
}

/* Once for all packets that come before the reader has caught up. */
static void wake(struct rtpe_stream_queue *q)
{
	struct signal *s = q->host;
	int fd = __atomic_load_n(&s->fd, __ATOMIC_ACQUIRE);

	if (fd >= 0 && !__atomic_exchange_n(&s->raised, true, __ATOMIC_SEQ_CST))
		eventfd_write(fd, 1);
}

static void freed(void *host)
{
	struct signal *s = host;

	if (s && s->fd >= 0)
		close(s->fd);
	rtpe_free(s);
}

const struct rtpe_intercept_ops rtpe_recorder_ops = {
	.stream_added = stream_added,
	.queue = { .wake = wake, .freed = freed },
};

/* Under the engine's lock. */
static int open_signal(struct rtpe_stream_queue *q)
{
	struct signal *s = q->host;
	int fd;

	if (s->fd >= 0)
		return 0;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	__atomic_store_n(&s->fd, fd, __ATOMIC_RELEASE);
	if (rtpe_stream_waiting(q) || rtpe_stream_ended(q))
		wake(q);
	return 0;
}

struct rtpe_recorder *rtpe_recorder_new(struct rtpe_engine *e, uint32_t stream)
{
	struct rtpe_stream_queue *q;
	int err = ENOENT;

	pthread_mutex_lock(&e->lock);
	q = rtpe_stream_get(&e->table, stream);
	if (q)
		err = -open_signal(q);
	pthread_mutex_unlock(&e->lock);
	if (q && err)
		rtpe_stream_unref(q);
	errno = err;
	return err ? NULL : (struct rtpe_recorder *)q;
}

void rtpe_recorder_free(struct rtpe_recorder *r)
{
	rtpe_stream_unref(queue_of(r));
}

int rtpe_recorder_eventfd(const struct rtpe_recorder *r)
{
	const struct signal *s = queue_of(r)->host;

	return s->fd;
}

/* Lowers the signal; what came meanwhile raises it again. */
static struct rtpe_copy *catch_up(struct rtpe_stream_queue *q)
{
	struct signal *s = q->host;
	struct rtpe_copy *c;
	eventfd_t count;

	eventfd_read(s->fd, &count);
	__atomic_store_n(&s->raised, false, __ATOMIC_SEQ_CST);
	c = rtpe_stream_take(q);
	if (c || rtpe_stream_ended(q))
		wake(q);
	return c;
}

int rtpe_recorder_read(struct rtpe_recorder *r, void *buf, size_t len)
{
	struct rtpe_stream_queue *q = queue_of(r);
	bool ended = rtpe_stream_ended(q);	/* asked first: then nothing comes behind what is taken */
	struct rtpe_copy *c = rtpe_stream_take(q);
	u32 n;

	if (!c && ended)
		return 0;
	if (!c)
		c = catch_up(q);
	if (!c)
		return -EAGAIN;
	n = c->len < len ? c->len : (u32)len;
	memcpy(buf, c->data, n);
	rtpe_free(c);
	return (int)n;
}

uint64_t rtpe_recorder_overflows(const struct rtpe_recorder *r)
{
	return rtpe_stream_overflows(queue_of(r));
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "event.h"

#include <sys/eventfd.h>
#include <unistd.h>

int rtpe_event_queue_init(struct rtpe_event_queue *q)
{
	q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->fd < 0)
		return -errno;
	pthread_mutex_init(&q->lock, NULL);
	q->first = q->count = 0;
	q->overflows = 0;
	return 0;
}

void rtpe_event_queue_exit(struct rtpe_event_queue *q)
{
	close(q->fd);
	pthread_mutex_destroy(&q->lock);
}

bool rtpe_event_put(struct rtpe_event_queue *q, const struct rtpe_event *e)
{
	bool room;

	pthread_mutex_lock(&q->lock);
	room = q->count < RTPE_EVENT_ROOM;
	if (room) {
		q->ring[(q->first + q->count) % RTPE_EVENT_ROOM] = *e;
		if (!q->count++)
			eventfd_write(q->fd, 1);
	} else {
		q->overflows++;
	}
	pthread_mutex_unlock(&q->lock);
	return room;
}

int rtpe_event_take(struct rtpe_event_queue *q, struct rtpe_event *out, int max)
{
	eventfd_t ignored;
	int n = 0;

	pthread_mutex_lock(&q->lock);
	while (n < max && q->count) {
		out[n++] = q->ring[q->first];
		q->first = (q->first + 1) % RTPE_EVENT_ROOM;
		q->count--;
	}
	if (n && !q->count)
		eventfd_read(q->fd, &ignored);
	pthread_mutex_unlock(&q->lock);
	return n;
}

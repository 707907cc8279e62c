// SPDX-License-Identifier: GPL-3.0-or-later
#include "handed.h"

#include <sys/eventfd.h>
#include <unistd.h>

int rtpe_handed_queue_init(struct rtpe_handed_queue *q)
{
	/* Untouched pages cost nothing. */
	q->ring = calloc(RTPE_HANDED_ROOM, sizeof(*q->ring));
	if (!q->ring)
		return -ENOMEM;
	q->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (q->fd < 0) {
		free(q->ring);
		return -errno;
	}
	pthread_mutex_init(&q->lock, NULL);
	q->first = q->count = 0;
	return 0;
}

void rtpe_handed_queue_exit(struct rtpe_handed_queue *q)
{
	close(q->fd);
	free(q->ring);
	pthread_mutex_destroy(&q->lock);
}

static void fill(struct rtpe_handed *h, const struct rtpe_addr *local, const struct rtpe_packet *p)
{
	h->local = *local;
	h->src = p->src;
	h->now_us = p->now_us;
	h->len = p->len;
	memcpy(h->data, p->data, p->len);
}

bool rtpe_handed_put(struct rtpe_handed_queue *q, const struct rtpe_addr *local, const struct rtpe_packet *p)
{
	bool room;

	if (p->len > RTPE_HANDED_BYTES)
		return false;
	pthread_mutex_lock(&q->lock);
	room = q->count < RTPE_HANDED_ROOM;
	if (room) {
		fill(&q->ring[(q->first + q->count) % RTPE_HANDED_ROOM], local, p);
		if (!q->count++)
			eventfd_write(q->fd, 1);
	}
	pthread_mutex_unlock(&q->lock);
	return room;
}

int rtpe_handed_take(struct rtpe_handed_queue *q, struct rtpe_handed *out, int max)
{
	eventfd_t ignored;
	int n = 0;

	pthread_mutex_lock(&q->lock);
	while (n < max && q->count) {
		out[n++] = q->ring[q->first];
		q->first = (q->first + 1) % RTPE_HANDED_ROOM;
		q->count--;
	}
	if (n && !q->count)
		eventfd_read(q->fd, &ignored);
	pthread_mutex_unlock(&q->lock);
	return n;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Events from the packet threads to whoever polls an eventfd. */
#ifndef RTPE_RELAY_EVENT_H
#define RTPE_RELAY_EVENT_H

#include "../../kmod/core/port.h"
#include "relay.h"

#define RTPE_EVENT_ROOM 4096

/* Events are rare (rate-limited where they come from), so a short lock does. */
struct rtpe_event_queue {
	pthread_mutex_t lock;
	int fd;			/* eventfd: readable while count > 0 */
	u32 first, count;
	u64 overflows;
	struct rtpe_event ring[RTPE_EVENT_ROOM];
};

int rtpe_event_queue_init(struct rtpe_event_queue *q);
void rtpe_event_queue_exit(struct rtpe_event_queue *q);

/* False, and counted, when the queue is full. */
bool rtpe_event_put(struct rtpe_event_queue *q, const struct rtpe_event *e);
int rtpe_event_take(struct rtpe_event_queue *q, struct rtpe_event *out, int max);

#endif

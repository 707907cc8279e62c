/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packets of ICE and DTLS on their way from the packet threads to the sessions. */
#ifndef RTPE_RELAY_HANDED_H
#define RTPE_RELAY_HANDED_H

#include "../../kmod/core/packet.h"
#include "credit.h"
#include "relay.h"

#define RTPE_HANDED_ROOM 1024

/* A socket may hand up this many at once, then one every so many microseconds. */
#define RTPE_HANDED_BURST 100
#define RTPE_HANDED_INTERVAL_US 5000

struct rtpe_handed_queue {
	pthread_mutex_t lock;
	int fd;			/* eventfd: readable while count > 0 */
	u32 first, count;
	struct rtpe_handed *ring;
};

int rtpe_handed_queue_init(struct rtpe_handed_queue *q);
void rtpe_handed_queue_exit(struct rtpe_handed_queue *q);

/* A copy of p, which came to `local`. False if it is too long or the queue full. */
bool rtpe_handed_put(struct rtpe_handed_queue *q, const struct rtpe_addr *local, const struct rtpe_packet *p);
int rtpe_handed_take(struct rtpe_handed_queue *q, struct rtpe_handed *out, int max);

#endif

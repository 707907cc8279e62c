/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The open sockets: by address for the control side, by descriptor for the packet threads. */
#ifndef RTPE_RELAY_MAP_H
#define RTPE_RELAY_MAP_H

#include "socket.h"

#define RTPE_SOCKET_BUCKETS 8192
/* Descriptors from 0 on that can be served; the memory for more is never touched. */
#define RTPE_MAX_DESCRIPTORS (1 << 20)

struct rtpe_socket_map {
	pthread_mutex_t lock;			/* for who changes buckets and chains */
	struct rtpe_socket RTPE_RCU **buckets;
	u64 additions;				/* so far, counted when they can be found; atomic */
	struct rtpe_socket RTPE_RCU **by_fd;
};

int rtpe_socket_map_init(struct rtpe_socket_map *m);
void rtpe_socket_map_exit(struct rtpe_socket_map *m);

/* Takes over the caller's reference. EADDRINUSE, EMFILE: the caller keeps it. */
int rtpe_socket_map_add(struct rtpe_socket_map *m, struct rtpe_socket *s);

/* Takes one out and hands its reference to the caller; NULL: no such socket. */
struct rtpe_socket *rtpe_socket_map_remove(struct rtpe_socket_map *m, const struct rtpe_addr *local);

/* Any one of those left, taken out as above. */
struct rtpe_socket *rtpe_socket_map_remove_any(struct rtpe_socket_map *m);

/* With a reference of its own; NULL: no such socket. */
struct rtpe_socket *rtpe_socket_map_get(struct rtpe_socket_map *m, const struct rtpe_addr *local);

/* For online readers, without a reference; NULL: no such socket. */
struct rtpe_socket *rtpe_socket_map_find(const struct rtpe_socket_map *m, const struct rtpe_addr *local);

/* For online readers; NULL: closed. */
static inline struct rtpe_socket *rtpe_socket_map_serve(const struct rtpe_socket_map *m, u32 fd)
{
	return rtpe_rcu_get(m->by_fd[fd]);
}

#endif

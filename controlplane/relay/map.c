// SPDX-License-Identifier: GPL-3.0-or-later
#include "map.h"

#define BY_FD_BYTES (RTPE_MAX_DESCRIPTORS * sizeof(struct rtpe_socket *))

static u32 bucket_of(const struct rtpe_addr *a)
{
	u32 h = a->port * 0x9e3779b1u, i;

	for (i = 0; i < sizeof(a->ip); i += 4)
		h = (h ^ rtpe_read32(a->ip + i)) * 0x85ebca6bu;
	return (h ^ h >> 16) % RTPE_SOCKET_BUCKETS;
}

int rtpe_socket_map_init(struct rtpe_socket_map *m)
{
	m->buckets = rtpe_alloc(RTPE_SOCKET_BUCKETS * sizeof(*m->buckets));
	if (!m->buckets)
		return -ENOMEM;
	m->by_fd = mmap(NULL, BY_FD_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->by_fd == MAP_FAILED) {
		rtpe_free(m->buckets);
		return -ENOMEM;
	}
	pthread_mutex_init(&m->lock, NULL);
	return 0;
}

void rtpe_socket_map_exit(struct rtpe_socket_map *m)
{
	munmap(m->by_fd, BY_FD_BYTES);
	rtpe_free(m->buckets);
	pthread_mutex_destroy(&m->lock);
}

/* The pointer that holds the socket on `local`, or the NULL at the chain's end. Call locked. */
static struct rtpe_socket **place_of(struct rtpe_socket_map *m, const struct rtpe_addr *local)
{
	struct rtpe_socket **at = &m->buckets[bucket_of(local)];

	while (*at && !rtpe_addr_equal(&(*at)->local, local))
		at = &(*at)->next;
	return at;
}

int rtpe_socket_map_add(struct rtpe_socket_map *m, struct rtpe_socket *s)
{
	struct rtpe_socket **at;
	int err = 0;

	if (s->fd >= RTPE_MAX_DESCRIPTORS)
		return -EMFILE;
	pthread_mutex_lock(&m->lock);
	at = place_of(m, &s->local);
	if (*at) {
		err = -EADDRINUSE;
	} else {
		s->next = NULL;
		rtpe_rcu_set(*at, s);
		rtpe_rcu_set(m->by_fd[s->fd], s);
		__atomic_store_n(&m->additions, m->additions + 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&m->lock);
	return err;
}

static struct rtpe_socket *unlink_at(struct rtpe_socket_map *m, struct rtpe_socket **at)
{
	struct rtpe_socket *s = *at;

	rtpe_rcu_set(*at, s->next);
	rtpe_rcu_set(m->by_fd[s->fd], NULL);
	return s;
}

struct rtpe_socket *rtpe_socket_map_remove(struct rtpe_socket_map *m, const struct rtpe_addr *local)
{
	struct rtpe_socket **at, *s;

	pthread_mutex_lock(&m->lock);
	at = place_of(m, local);
	s = *at ? unlink_at(m, at) : NULL;
	pthread_mutex_unlock(&m->lock);
	return s;
}

struct rtpe_socket *rtpe_socket_map_remove_any(struct rtpe_socket_map *m)
{
	struct rtpe_socket *s = NULL;
	u32 i;

	pthread_mutex_lock(&m->lock);
	for (i = 0; i < RTPE_SOCKET_BUCKETS && !s; i++)
		if (m->buckets[i])
			s = unlink_at(m, &m->buckets[i]);
	pthread_mutex_unlock(&m->lock);
	return s;
}

struct rtpe_socket *rtpe_socket_map_get(struct rtpe_socket_map *m, const struct rtpe_addr *local)
{
	struct rtpe_socket *s;

	pthread_mutex_lock(&m->lock);
	s = *place_of(m, local);
	if (s)
		rtpe_socket_ref(s);
	pthread_mutex_unlock(&m->lock);
	return s;
}

struct rtpe_socket *rtpe_socket_map_find(const struct rtpe_socket_map *m, const struct rtpe_addr *local)
{
	struct rtpe_socket *s = rtpe_rcu_get(m->buckets[bucket_of(local)]);

	while (s && !rtpe_addr_equal(&s->local, local))
		s = rtpe_rcu_get(s->next);
	return s;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "relay.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "inside.h"

#define DEFAULT_THREADS 4

static u32 default_threads(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > DEFAULT_THREADS ? DEFAULT_THREADS : (u32)cpus;
}

static int open_descriptors(struct rtpe_relay *r)
{
	r->nothing_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (r->nothing_fd < 0)
		return -errno;
	r->crew.stop_fd = eventfd(0, EFD_CLOEXEC);
	if (r->crew.stop_fd >= 0)
		return 0;
	close(r->nothing_fd);
	return -errno;
}

static void join_workers(struct rtpe_relay *r)
{
	eventfd_write(r->crew.stop_fd, 1);
	for (; r->running; r->running--)
		rtpe_worker_join(&r->workers[r->running - 1]);
}

static int start_workers(struct rtpe_relay *r)
{
	int err;

	for (; r->running < r->crew.count; r->running++) {
		err = rtpe_worker_start(&r->crew, r->running);
		if (err) {
			join_workers(r);
			return err;
		}
	}
	return 0;
}

static int init(struct rtpe_relay *r)
{
	int err = open_descriptors(r);

	if (err)
		return err;
	err = rtpe_event_queue_init(&r->events);
	if (err)
		goto err_descriptors;
	err = rtpe_handed_queue_init(&r->handed);
	if (err)
		goto err_events;
	err = rtpe_socket_map_init(&r->sockets);
	if (err)
		goto err_handed;
	err = rtpe_engine_init(&r->engine, &r->sockets, r->crew.count, true);
	if (err)
		goto err_sockets;
	err = start_workers(r);
	if (err)
		goto err_engine;
	pthread_mutex_init(&r->lock, NULL);
	return 0;

err_engine:
	rtpe_engine_exit(&r->engine);
err_sockets:
	rtpe_socket_map_exit(&r->sockets);
err_handed:
	rtpe_handed_queue_exit(&r->handed);
err_events:
	rtpe_event_queue_exit(&r->events);
err_descriptors:
	close(r->nothing_fd);
	close(r->crew.stop_fd);
	return err;
}

struct rtpe_relay *rtpe_relay_new(unsigned threads)
{
	struct rtpe_relay *r;
	int err;

	if (threads > RTPE_MAX_THREADS) {
		errno = EINVAL;
		return NULL;
	}
	if (!threads)
		threads = default_threads();
	r = aligned_alloc(64, sizeof(*r) + threads * sizeof(r->workers[0]));
	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r) + threads * sizeof(r->workers[0]));
	r->crew.workers = r->workers;
	r->crew.count = threads;
	r->crew.engine = &r->engine;
	r->crew.events = &r->events;
	r->crew.handed = &r->handed;
	err = init(r);
	if (!err)
		return r;
	free(r);
	errno = -err;
	return NULL;
}

static void release(struct rtpe_deferred *d)
{
	rtpe_socket_unref(container_of(d, struct rtpe_socket, deferred));
}

/* s is out of the map already. Packets under way may hold it until it is reclaimed. */
static void close_socket(struct rtpe_relay *r, struct rtpe_socket *s)
{
	rtpe_socket_detach(s, r->nothing_fd);
	rtpe_defer(&s->deferred, release);
}

/* Takes over s, also when it fails. */
static int serve(struct rtpe_relay *r, struct rtpe_socket *s)
{
	int err = r->running ? 0 : -ESHUTDOWN;

	if (!err)
		err = rtpe_socket_map_add(&r->sockets, s);
	if (err) {
		rtpe_socket_unref(s);
		return err;
	}
	err = rtpe_worker_assign(rtpe_balance_place(&r->crew, rtpe_now_us()), s);
	if (err)
		close_socket(r, rtpe_socket_map_remove(&r->sockets, &s->local));
	return err;
}

void rtpe_relay_stop(struct rtpe_relay *r)
{
	struct rtpe_socket *s;

	pthread_mutex_lock(&r->lock);
	if (r->running)
		join_workers(r);
	while ((s = rtpe_socket_map_remove_any(&r->sockets)))
		close_socket(r, s);
	pthread_mutex_unlock(&r->lock);
	rtpe_reclaim_all();
}

void rtpe_relay_free(struct rtpe_relay *r)
{
	rtpe_relay_stop(r);
	rtpe_engine_exit(&r->engine);
	rtpe_socket_map_exit(&r->sockets);
	rtpe_handed_queue_exit(&r->handed);
	rtpe_event_queue_exit(&r->events);
	close(r->crew.stop_fd);
	close(r->nothing_fd);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct rtpe_engine *rtpe_relay_engine(struct rtpe_relay *r)
{
	return &r->engine;
}

int rtpe_relay_open(struct rtpe_relay *r, const struct rtpe_addr *local, int tos)
{
	struct rtpe_socket *s;
	int err;

	err = rtpe_socket_create(&s, local, tos);
	if (err == -EADDRINUSE) {
		/* A packet thread may be reading, this instant, from a socket on this port that we closed. */
		rtpe_reclaim_all();
		err = rtpe_socket_create(&s, local, tos);
	}
	if (err)
		return err;
	pthread_mutex_lock(&r->lock);
	err = serve(r, s);
	pthread_mutex_unlock(&r->lock);
	return err;
}

int rtpe_relay_close(struct rtpe_relay *r, const struct rtpe_addr *local)
{
	struct rtpe_socket *s;

	pthread_mutex_lock(&r->lock);
	s = rtpe_socket_map_remove(&r->sockets, local);
	if (s)
		close_socket(r, s);
	pthread_mutex_unlock(&r->lock);
	rtpe_reclaim();
	return s ? 0 : -ENOENT;
}

int rtpe_relay_set_tos(struct rtpe_relay *r, const struct rtpe_addr *local, int tos)
{
	struct rtpe_socket *s = rtpe_socket_map_get(&r->sockets, local);
	int err;

	if (!s)
		return -ENOENT;
	err = rtpe_socket_set_tos(s, tos);
	rtpe_socket_unref(s);
	return err;
}

int rtpe_relay_send(struct rtpe_relay *r, const struct rtpe_addr *local, const struct rtpe_addr *dst,
		    const void *data, size_t len)
{
	struct rtpe_socket *s;
	int err;

	if (!rtpe_addr_valid(dst) || dst->family != local->family || len > RTPE_DATAGRAM)
		return -EINVAL;
	s = rtpe_socket_map_get(&r->sockets, local);
	if (!s)
		return -ENOENT;
	err = rtpe_socket_send(s, dst, READ_ONCE(s->tos), data, (u32)len);
	rtpe_socket_unref(s);
	return err;
}

int rtpe_relay_drain(struct rtpe_relay *r, const struct rtpe_addr *local, u64 until_us)
{
	static const struct timespec pause = { .tv_nsec = 100000 };
	struct rtpe_socket *s = rtpe_socket_map_get(&r->sockets, local);
	bool waits;

	if (!s)
		return -ENOENT;
	while ((waits = rtpe_socket_waits(s)) && rtpe_now_us() < until_us)
		nanosleep(&pause, NULL);
	rtpe_socket_unref(s);
	return waits ? -EBUSY : 0;
}

void rtpe_relay_settle(struct rtpe_relay *r)
{
	(void)r;
	rtpe_readers_wait();
}

int rtpe_relay_expect(struct rtpe_relay *r, const struct rtpe_addr *local, const struct rtpe_expected *e)
{
	struct rtpe_socket *s = rtpe_socket_map_get(&r->sockets, local);
	struct rtpe_sift *before = NULL, *sift;
	int err;

	if (!s)
		return -ENOENT;
	err = rtpe_sift_new(&sift, e);
	if (!err) {
		pthread_mutex_lock(&r->lock);
		before = s->sift;
		rtpe_rcu_set(s->sift, sift);
		pthread_mutex_unlock(&r->lock);
	}
	rtpe_socket_unref(s);
	rtpe_sift_retire(before);
	rtpe_reclaim();
	return err;
}

int rtpe_relay_eventfd(const struct rtpe_relay *r)
{
	return r->events.fd;
}

int rtpe_relay_events(struct rtpe_relay *r, struct rtpe_event *out, int max)
{
	return rtpe_event_take(&r->events, out, max);
}

int rtpe_relay_handedfd(const struct rtpe_relay *r)
{
	return r->handed.fd;
}

int rtpe_relay_handed(struct rtpe_relay *r, struct rtpe_handed *out, int max)
{
	return rtpe_handed_take(&r->handed, out, max);
}

void rtpe_relay_count(struct rtpe_relay *r, struct rtpe_relay_counters *out)
{
	u32 i;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < r->crew.count; i++) {
		out->strays += READ_ONCE(r->workers[i].strays);
		out->suppressed += READ_ONCE(r->workers[i].suppressed);
		out->failures += READ_ONCE(r->workers[i].failures);
	}
	out->overflows = READ_ONCE(r->events.overflows);
}

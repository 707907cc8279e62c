// SPDX-License-Identifier: GPL-3.0-or-later
#include "hops.h"
#include "worker.h"

#include <sys/mman.h>

/* As many to receive in as for copies. */
#define BUFFERS_BYTES ((size_t)2 * RTPE_BATCH * RTPE_BUFFER)

_Static_assert(BUFFERS_BYTES % RTPE_PAGE_BYTES == 0, "aligned_alloc() wants whole pages");

static u8 *buffer(const struct rtpe_worker *w, u32 i)
{
	return w->buffers + (size_t)i * RTPE_BUFFER;
}

int rtpe_receive_init(struct rtpe_worker *w)
{
	u32 i;

	/* Untouched pages cost nothing: as long as packets are small, few are touched, unless pages are huge. */
	w->buffers = aligned_alloc(RTPE_PAGE_BYTES, BUFFERS_BYTES);
	if (!w->buffers)
		return -ENOMEM;
	madvise(w->buffers, BUFFERS_BYTES, MADV_NOHUGEPAGE);
	for (i = 0; i < RTPE_BATCH; i++) {
		w->packets[i].data = buffer(w, i);
		w->iovs[i] = (struct iovec){ .iov_base = buffer(w, i), .iov_len = RTPE_DATAGRAM };
		w->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &w->sources[i], .msg_iov = &w->iovs[i], .msg_iovlen = 1,
		};
	}
	return 0;
}

void rtpe_receive_exit(struct rtpe_worker *w)
{
	free(w->buffers);
}

/* The socket is of no use any more (say, destroyed by the administrator): out of epoll, or it would wake us for ever. */
static void fail(struct rtpe_worker *w, struct rtpe_socket *s, int error)
{
	struct rtpe_event e = {
		.type = RTPE_EVENT_SOCKET, .error = error, .local = s->local, .now_us = rtpe_now_us(),
	};

	rtpe_worker_dismiss(w, s);
	w->failures++;
	rtpe_event_put(w->events, &e);
}

static void found(struct rtpe_worker *w, u32 i, u32 len)
{
	struct rtpe_packet *p = &w->packets[i];

	p->len = len;
	p->room = RTPE_TRAILER;
	p->now_us = w->now_us;
	rtpe_addr_from(&p->src, &w->sources[i]);
}

/* Reads up to s->budget packets; how many, or a negative errno. */
static int read_packets(struct rtpe_worker *w, struct rtpe_socket *s)
{
	socklen_t sa_len = sizeof(w->sources[0]);
	ssize_t len;
	int n, i;

	if (s->budget == 1) {
		len = recvfrom(s->fd, buffer(w, 0), RTPE_DATAGRAM, 0, &w->sources[0].any, &sa_len);
		if (len < 0)
			return -errno;
		w->now_us = rtpe_now_us();
		found(w, 0, (u32)len);
		return 1;
	}
	for (i = 0; i < (int)s->budget; i++)
		w->messages[i].msg_hdr.msg_namelen = sizeof(w->sources[0]);
	n = recvmmsg(s->fd, w->messages, s->budget, 0, NULL);
	if (n < 0)
		return -errno;
	w->now_us = rtpe_now_us();
	for (i = 0; i < n; i++)
		found(w, (u32)i, w->messages[i].msg_len);
	return n;
}

/* For ICE or DTLS, which the sessions speak. A flood of them is held back like one of sources. */
static void hand_up(struct rtpe_worker *w, struct rtpe_socket *s, const struct rtpe_packet *p)
{
	struct rtpe_sift *sift = rtpe_rcu_get(s->sift);
	bool admitted = sift ? rtpe_sift_admits(sift, p) :
			rtpe_credit_pay(&s->handing, p->now_us, RTPE_HANDED_BURST, RTPE_HANDED_INTERVAL_US);

	if (!admitted || !rtpe_handed_put(w->crew->handed, &s->local, p))
		w->suppressed++;
}

/* Decides about p; it has no outputs unless it is to be forwarded. */
static void decide(struct rtpe_worker *w, struct rtpe_socket *s, const struct rtpe_target *t, struct rtpe_packet *p)
{
	struct rtpe_target_counters *mine = rtpe_target_counters_mine(t->counters);
	u64 before = mine->sum.packets;
	enum rtpe_verdict verdict;

	if (t->flags & RTPE_TARGET_RANK && !rtpe_learn_admits(&s->learning, t, p)) {
		p->first = p->last = 0;
		mine->sum.errors++;
		mine->drops[RTPE_DROP_SOURCE]++;
		return;
	}
	verdict = rtpe_forward_packet(t, p);
	if (likely(verdict == RTPE_FORWARD))
		rtpe_hops_count(w->engine->sockets, s, t, p);
	else
		p->first = p->last = 0;
	if (unlikely(verdict == RTPE_PASS && rtpe_forward_is_signalling(t, p)))
		hand_up(w, s, p);
	/* Refused packets and signalling are not counted among `packets`, and nothing is learned from them. */
	if (t->flags & RTPE_TARGET_LEARN && mine->sum.packets != before)
		rtpe_learn(&s->learning, &s->peer, t, p, w->events, &w->suppressed);
}

/*
 * One packet a turn while they come one by one: a second read would only say
 * EAGAIN. A socket that is readable turn after turn has a queue, and gets more.
 */
static void adapt_budget(const struct rtpe_worker *w, struct rtpe_socket *s, u32 got)
{
	bool queued = s->turn + 1 == w->turn && got == s->budget;

	s->turn = w->turn;
	if (!queued)
		s->budget = 1;
	else if (s->budget < RTPE_BATCH)
		s->budget *= 2;
}

/* Each of these would be a miss later; while the packet is read, they arrive. */
static void prefetch(const struct rtpe_finding *f)
{
	const struct rtpe_target *t = f->target;

	if (!t)
		return;
	__builtin_prefetch(t);
	__builtin_prefetch(&t->counters);
	__builtin_prefetch(t->pt_class);
	__builtin_prefetch(t->payload_types);
	__builtin_prefetch(&t->outputs[0].dst);
	__builtin_prefetch(&t->outputs[0].host);
	__builtin_prefetch(f->counters, 1);
	__builtin_prefetch(f->details->ssrc, 1);
	__builtin_prefetch(f->details->payload_types, 1);
	__builtin_prefetch(f->output_counters, 1);
	__builtin_prefetch(f->output_socket);
}

static const struct rtpe_target *look_up(const struct rtpe_table *table, struct rtpe_socket *s, u64 changes)
{
	struct rtpe_finding *f = &s->finding;
	const struct rtpe_target *t = rtpe_table_find(table, &s->local);

	f->target = t;
	f->changes = changes;
	if (!t)
		return NULL;
	f->counters = rtpe_target_counters_mine(t->counters);
	f->details = t->details;
	if (t->num_outputs) {
		f->output_counters = rtpe_counters_mine(t->outputs[0].counters);
		f->output_socket = t->outputs[0].host;
	}
	return t;
}

/*
 * A target is deferred after `changes` has stepped: if it has not, as we see it now
 * that we are online, what we found earlier is there until we go offline.
 */
static const struct rtpe_target *find_target(const struct rtpe_table *table, struct rtpe_socket *s)
{
	u64 changes = __atomic_load_n(&table->changes, __ATOMIC_ACQUIRE);

	return likely(s->finding.changes == changes) ? s->finding.target : look_up(table, s, changes);
}

void rtpe_receive(struct rtpe_worker *w, struct rtpe_socket *s)
{
	const struct rtpe_target *t;
	int n, i;

	prefetch(&s->finding);
	n = read_packets(w, s);

	if (unlikely(n < 0)) {
		s->budget = 1;
		if (!rtpe_socket_error_passes(-n))
			fail(w, s, -n);
		return;
	}
	adapt_budget(w, s, (u32)n);
	w->packets_read += (u32)n;
	t = find_target(&w->engine->table, s);
	if (unlikely(!t)) {
		w->strays += (u32)n;
		return;
	}
	for (i = 0; i < n; i++)
		decide(w, s, t, &w->packets[i]);
	if (likely(n == 1))
		rtpe_transmit(t, &w->packets[0], buffer(w, RTPE_BATCH));
	else
		rtpe_transmit_batch(t, w->packets, (u32)n, buffer(w, RTPE_BATCH));
}

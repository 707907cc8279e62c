// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How many threads share the sockets.
 *
 * Waking a thread costs more than forwarding a packet, so few packets a wake-up
 * are best read by one thread. One that finds many each time it looks cannot keep
 * up with what arrives, and then a second one costs nothing: it hands sockets over.
 */
#include "worker.h"

#define HIGH 32			/* packets a turn: hand sockets to a thread with less than half of it */
#define PATIENCE 3		/* periods like that before it does: it may just not have been given the CPU */
#define LOW 16			/* packets a turn of two threads together: one of them will do */

/* What a thread noted is out of date when it has read nothing since. */
static u32 load_of(const struct rtpe_worker *w, u64 now_us)
{
	u64 age = now_us - READ_ONCE(w->balanced_us);

	return age > 4 * RTPE_BALANCE_US ? 0 : READ_ONCE(w->load);
}

struct rtpe_worker *rtpe_balance_place(const struct rtpe_crew *crew, u64 now_us)
{
	struct rtpe_worker *best = &crew->workers[0];
	u32 i;

	for (i = 0; i < crew->count; i++) {
		if (load_of(&crew->workers[i], now_us) < HIGH / 2)
			return &crew->workers[i];
		if (load_of(&crew->workers[i], now_us) < load_of(best, now_us))
			best = &crew->workers[i];
	}
	return best;
}

/* A socket goes with its queue, so its packets stay in order. */
static void hand_over(struct rtpe_worker *w, u32 fd, struct rtpe_worker *to)
{
	struct rtpe_socket *s = rtpe_socket_map_serve(w->engine->sockets, fd);

	if (!s || rtpe_socket_worker(s) != w)
		return;
	rtpe_worker_dismiss(w, s);
	/* Cannot fail but for a socket closed this instant, or for want of memory: then we keep it. */
	if (rtpe_worker_assign(to, s))
		rtpe_worker_assign(w, s);
}

/* At the end of a period: notes the load, decides whether our sockets go to a thread before us. */
static void look_back(struct rtpe_worker *w, const struct rtpe_worker *to)
{
	u64 turns = w->turn - w->balanced_turn;
	u32 load = turns ? (u32)(w->packets_read / turns) : 0;

	WRITE_ONCE(w->load, load);
	w->packets_read = 0;
	w->balanced_turn = w->turn;
	WRITE_ONCE(w->balanced_us, w->now_us);
	w->strained = load >= HIGH ? w->strained + 1 : 0;
	w->yielding = to->index < w->index && load + load_of(to, w->now_us) < LOW;
}

void rtpe_balance(struct rtpe_worker *w, const u32 *ready, u32 count)
{
	struct rtpe_worker *to = rtpe_balance_place(w->crew, w->now_us);
	u32 i;

	if (rtpe_balance_due(w))
		look_back(w, to);
	if (to == w || load_of(to, w->now_us) >= HIGH / 2)
		return;
	if (w->yielding) {
		for (i = 0; i < count; i++)
			hand_over(w, ready[i], to);
	} else if (w->strained >= PATIENCE) {
		for (i = 1; i < count; i += 2)
			hand_over(w, ready[i], to);
		w->strained = 0;
	}
}

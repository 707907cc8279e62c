// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How many threads share the sockets.
 *
 * Waking a thread costs more than forwarding a packet, so few packets a wake-up
 * are best read by one thread. One that finds many each time it looks cannot keep
 * up with what arrives, and then a second one costs nothing: it hands sockets over.
 */
#include "worker.h"

#define PERIOD_US 100000
#define HIGH 16			/* packets a turn: hand sockets to a thread with less than half of it */
#define LOW 3			/* packets a turn: hand sockets back, to one with less than HIGH / 2 */

/* What a thread noted is out of date when it has read nothing since. */
static u32 load_of(const struct rtpe_worker *w, u64 now_us)
{
	u64 age = now_us - READ_ONCE(w->balanced_us);

	return age > 4 * PERIOD_US ? 0 : READ_ONCE(w->load);
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

bool rtpe_balance_due(const struct rtpe_worker *w)
{
	/* Also when the clock was set back. */
	return w->now_us - w->balanced_us >= PERIOD_US;
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

void rtpe_balance(struct rtpe_worker *w, const u32 *ready, u32 count)
{
	u64 turns = w->turn - w->balanced_turn;
	struct rtpe_worker *to = rtpe_balance_place(w->crew, w->now_us);
	u32 load = turns ? (u32)(w->packets_read / turns) : 0, i;

	WRITE_ONCE(w->load, load);
	w->packets_read = 0;
	w->balanced_turn = w->turn;
	WRITE_ONCE(w->balanced_us, w->now_us);
	if (to == w || load_of(to, w->now_us) >= HIGH / 2)
		return;
	if (load >= HIGH)
		for (i = 1; i < count; i += 2)
			hand_over(w, ready[i], to);
	else if (load < LOW && to->index < w->index)
		for (i = 0; i < count; i++)
			hand_over(w, ready[i], to);
}

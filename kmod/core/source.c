// SPDX-License-Identifier: GPL-2.0-or-later
#include "source.h"

#define CLAIMED (1ull << 63)	/* in pins: the place changes hands */

void rtpe_sources_init(struct rtpe_sources *all)
{
	rtpe_lock_init(&all->lock);
}

void rtpe_sources_exit(struct rtpe_sources *all)
{
	rtpe_lock_exit(&all->lock);
}

static bool pin(struct rtpe_source *s)
{
	__u64 old = READ_ONCE(s->pins);

	do {
		if (old & CLAIMED)
			return false;
	} while (!rtpe_cas64(&s->pins, &old, old + 1));
	return true;
}

void rtpe_source_put(struct rtpe_source *s)
{
	__u64 old = READ_ONCE(s->pins);

	while (!rtpe_cas64(&s->pins, &old, old - 1))
		;
}

static bool is_of(const struct rtpe_source *s, u32 ssrc)
{
	return READ_ONCE(s->valid) && READ_ONCE(s->ssrc) == ssrc;
}

/* Only what is pinned keeps its SSRC, so that is looked at again. */
struct rtpe_source *rtpe_source_get(struct rtpe_sources *all, u32 ssrc)
{
	struct rtpe_source *s;

	for (s = all->live; s < all->live + RTPE_MAX_SSRCS; s++) {
		if (!is_of(s, ssrc) || !pin(s))
			continue;
		if (likely(is_of(s, ssrc)))
			return s;
		rtpe_source_put(s);
	}
	return NULL;
}

static struct rtpe_retired *find_retired(struct rtpe_sources *all, u32 ssrc)
{
	u32 i;

	for (i = 0; i < all->num_retired; i++)
		if (all->retired[i].ssrc == ssrc)
			return &all->retired[i];
	return NULL;
}

u64 rtpe_source_past(struct rtpe_sources *all, u32 ssrc)
{
	struct rtpe_retired *r;
	u64 top = 0;

	if (likely(!READ_ONCE(all->num_retired)))
		return 0;
	rtpe_lock(&all->lock);
	r = find_retired(all, ssrc);
	if (r)
		top = r->rtp_top;
	rtpe_unlock(&all->lock);
	return top;
}

/* A place nobody is at work on, now CLAIMED: free, or the longest idle. */
static struct rtpe_source *vacate(struct rtpe_sources *all)
{
	struct rtpe_source *s, *best = NULL;
	__u64 none = 0;

	for (s = all->live; s < all->live + RTPE_MAX_SSRCS; s++) {
		if (READ_ONCE(s->pins))
			continue;
		if (!s->valid) {
			best = s;
			break;
		}
		if (!best || READ_ONCE(s->last_us) < READ_ONCE(best->last_us))
			best = s;
	}
	return best && rtpe_cas64(&best->pins, &none, CLAIMED) ? best : NULL;
}

static void retire(struct rtpe_sources *all, const struct rtpe_source *s)
{
	struct rtpe_retired *r;

	if (all->num_retired < RTPE_MAX_RETIRED) {
		r = &all->retired[all->num_retired];
		WRITE_ONCE(all->num_retired, all->num_retired + 1);
	} else {
		r = &all->retired[all->oldest++ % RTPE_MAX_RETIRED];
	}
	r->ssrc = s->ssrc;
	r->rtp_top = s->rtp.top;
	r->rtcp_top = (u32)s->rtcp.top;
}

/* Gives the place s to an SSRC, which goes on from where `past` was. */
static void settle(struct rtpe_source *s, u32 ssrc, const struct rtpe_retired *past, u64 now_us)
{
	rtpe_replay_start(&s->rtp, past->rtp_top);
	rtpe_replay_start(&s->rtcp, past->rtcp_top);
	WRITE_ONCE(s->last_us, now_us);
	WRITE_ONCE(s->ssrc, ssrc);
	WRITE_ONCE(s->valid, 1);
	rtpe_store_release(&s->pins, 1);
}

static struct rtpe_source *take(struct rtpe_sources *all, u32 ssrc, u64 now_us, enum rtpe_full full)
{
	struct rtpe_retired *back = find_retired(all, ssrc), past = { 0 };
	struct rtpe_source *s = vacate(all);

	if (!s)
		return NULL;
	if (s->valid && !back && full == RTPE_REFUSE && all->num_retired == RTPE_MAX_RETIRED) {
		rtpe_store_release(&s->pins, 0);
		return NULL;
	}
	if (back) {
		past = *back;
		*back = all->retired[all->num_retired - 1];
		WRITE_ONCE(all->num_retired, all->num_retired - 1);
	}
	if (s->valid)
		retire(all, s);
	settle(s, ssrc, &past, now_us);
	return s;
}

struct rtpe_source *rtpe_source_make(struct rtpe_sources *all, u32 ssrc, u64 now_us, enum rtpe_full full)
{
	struct rtpe_source *s;

	rtpe_lock(&all->lock);
	s = rtpe_source_get(all, ssrc);
	if (!s)
		s = take(all, ssrc, now_us, full);
	rtpe_unlock(&all->lock);
	return s;
}

void rtpe_sources_follow(struct rtpe_sources *all, struct rtpe_sources *before)
{
	rtpe_lock(&before->lock);
	memcpy(all->retired, before->retired, sizeof(all->retired));
	all->num_retired = before->num_retired;
	all->oldest = before->oldest;
	rtpe_unlock(&before->lock);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "group.h"
#include "extmap.h"
#include "rtcp.h"

#define PAYLOAD_TYPES 128

struct rtpe_groups {
	u8 mid_id;
	u8 count;
	u8 group_of[PAYLOAD_TYPES];	/* for RTCP of sources that named no MID */
	struct rtpe_group groups[];
};

static bool is_range(u8 start, u8 end, u32 limit)
{
	return start <= end && end <= limit;
}

static bool same_mid(const struct rtpe_group *g, const void *mid, u32 len)
{
	return g->mid_len == len && !memcmp(g->mid, mid, len);
}

static int check_group(const struct rtpe_group *g, u32 num_outputs)
{
	static const u8 zero[sizeof(g->mid)];

	if (!is_range(g->rtp_start, g->rtp_end, num_outputs) || !is_range(g->rtcp_start, g->rtcp_end, num_outputs))
		return -EINVAL;
	if (g->reserved[0] | g->reserved[1] | g->reserved[2])
		return -EINVAL;
	return memcmp(g->mid + g->mid_len, zero, sizeof(g->mid) - g->mid_len) ? -EINVAL : 0;
}

int rtpe_groups_check(const struct rtpe_group *groups, u32 count, u32 num_outputs, u8 mid_id)
{
	u32 i, k;
	int err = mid_id == 15 ? -EINVAL : 0;

	if (count > RTPE_MAX_GROUPS)
		return -ERANGE;
	for (i = 0; !err && i < count; i++) {
		err = check_group(&groups[i], num_outputs);
		for (k = 0; k < i && groups[i].mid_len; k++)
			if (same_mid(&groups[k], groups[i].mid, groups[i].mid_len))
				err = -EINVAL;
	}
	return err;
}

int rtpe_groups_create(struct rtpe_groups **out, const struct rtpe_group *groups, u32 count, u8 mid_id)
{
	struct rtpe_groups *g;
	u32 i;

	*out = NULL;
	if (!count)
		return 0;
	g = rtpe_alloc(sizeof(*g) + count * sizeof(g->groups[0]));
	if (!g)
		return -ENOMEM;
	g->mid_id = mid_id;
	g->count = (u8)count;
	for (i = 0; i < count; i++)
		g->groups[i] = groups[i];
	*out = g;
	return 0;
}

void rtpe_groups_destroy(struct rtpe_groups *g)
{
	rtpe_free(g);
}

void rtpe_groups_payload_type(struct rtpe_groups *g, u8 number, u8 group)
{
	g->group_of[number % PAYLOAD_TYPES] = group;
}

/* 1 + the group that p's MID names; 0: none. */
static u8 named(const struct rtpe_groups *g, const struct rtpe_packet *p)
{
	struct rtpe_element mid;
	u32 i;

	if (!g->mid_id || !rtpe_element_find(p, g->mid_id, &mid))
		return 0;
	for (i = 0; i < g->count; i++)
		if (same_mid(&g->groups[i], mid.data, mid.len))
			return (u8)(i + 1);
	return 0;
}

/* A packet that comes late must not undo what a newer one said. */
static bool is_current(const struct rtpe_ssrc *s, const struct rtpe_packet *p)
{
	return s->valid != RTPE_SSRC_VALID || (u16)(p->seq - (u16)s->ext_seq) < 0x8000;
}

static u8 of_rtp(const struct rtpe_groups *g, struct rtpe_ssrc *source, const struct rtpe_packet *p, u8 pt_group)
{
	u8 by_mid = named(g, p);

	if (by_mid) {
		if (source && source->group != by_mid && is_current(source, p))
			source->group = by_mid;
		return by_mid - 1;
	}
	return source && source->group ? source->group - 1 : pt_group;
}

/* Looks up each SSRC, until one is known. */
struct finder {
	struct rtpe_rtcp_visitor visitor;
	const struct rtpe_groups *g;
	const struct rtpe_ssrc *trackers;
	bool found;
	u8 group;
};

static void look_up(struct rtpe_rtcp_visitor *v, u8 *ssrc)
{
	struct finder *f = container_of(v, struct finder, visitor);
	u32 i;

	for (i = 0; !f->found && i < RTPE_MAX_SSRCS; i++) {
		const struct rtpe_ssrc *s = &f->trackers[i];

		if (s->valid != RTPE_SSRC_VALID || memcmp(&s->ssrc, ssrc, 4))
			continue;
		f->group = s->group ? s->group - 1 : f->g->group_of[s->last_pt % PAYLOAD_TYPES];
		f->found = true;
	}
}

static u8 of_rtcp(const struct rtpe_groups *g, const struct rtpe_ssrc *trackers, const struct rtpe_packet *p)
{
	struct finder f = { { look_up, NULL }, g, trackers, false, 0 };
	struct rtpe_rtcp r;
	u32 at = 0;

	for (; !f.found && rtpe_rtcp_at(p, at, &r); at += r.len)
		rtpe_rtcp_visit(&r, &f.visitor);
	return f.group;
}

void rtpe_groups_choose(const struct rtpe_groups *g, const struct rtpe_ssrc *trackers, struct rtpe_ssrc *source,
			struct rtpe_packet *p, u8 pt_group)
{
	bool is_rtcp = p->kind == RTPE_KIND_RTCP;
	const struct rtpe_group *x;
	u8 n = 0;

	if (is_rtcp)
		n = of_rtcp(g, trackers, p);
	else if (likely(p->kind == RTPE_KIND_RTP))
		n = of_rtp(g, source, p, pt_group);
	/* A tracker's group may be older than these groups, or come from another engine. */
	x = &g->groups[n < g->count ? n : 0];
	p->first = is_rtcp ? x->rtcp_start : x->rtp_start;
	p->last = is_rtcp ? x->rtcp_end : x->rtp_end;
}

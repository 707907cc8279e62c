// SPDX-License-Identifier: GPL-3.0-or-later
/* Any compound RTCP: everything that is visited lies inside it, and what is replaced is found again. */
#include "../../kmod/core/group.h"
#include "../../kmod/core/rtcp.h"
#include "fuzz.h"
#include "media.h"

struct walker {
	struct rtpe_rtcp_visitor visitor;
	const struct rtpe_rtcp *r;
	u32 seen;
};

static void inside(const struct walker *w, const u8 *at, u32 bytes)
{
	fuzz_check(at >= w->r->data + RTPE_RTCP_HEADER_LEN && at + bytes <= w->r->data + w->r->len);
}

static void ssrc(struct rtpe_rtcp_visitor *v, u8 *at)
{
	struct walker *w = container_of(v, struct walker, visitor);

	inside(w, at, 4);
	fuzz_check(w->seen++ <= w->r->len / 4);
	at[0] ^= 0xff;
}

static void sequence(struct rtpe_rtcp_visitor *v, u8 *at, u32 bytes)
{
	struct walker *w = container_of(v, struct walker, visitor);

	fuzz_check(w->seen && (bytes == 2 || bytes == 4));
	inside(w, at, bytes);
	at[bytes - 1] ^= 0xff;
}

static void visit_all(struct rtpe_packet *p)
{
	struct rtpe_rtcp r;
	u32 at = 0;

	for (; rtpe_rtcp_at(p, at, &r); at += r.len) {
		struct walker w = { { ssrc, sequence }, &r, 0 };

		fuzz_check(r.len >= 4 && r.len <= p->len - at);
		rtpe_rtcp_visit(&r, &w.visitor);
	}
	fuzz_check(at <= p->len && rtpe_rtcp_is_whole(p) == (at && at == p->len));
}

static void choose(struct rtpe_packet *p)
{
	static const struct rtpe_group two[2] = { { .rtcp_end = 1 }, { .rtcp_start = 1, .rtcp_end = 2 } };
	static struct rtpe_ssrc trackers[RTPE_MAX_SSRCS];
	static struct rtpe_groups *g;

	if (!g) {
		fuzz_check(!rtpe_groups_create(&g, two, 2, 0));
		memcpy(&trackers[0].ssrc, "aaaa", 4);
		trackers[0].valid = 1;
		trackers[0].group = 2;
	}
	rtpe_groups_choose(g, trackers, NULL, p, 0);
	fuzz_check(p->last == p->first + (p->kind == RTPE_KIND_RTCP));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rtpe_packet p;

	media_packet(&p, data, (u32)size, 0);
	choose(&p);
	rtpe_rtcp_is_pure_feedback(&p);
	visit_all(&p);
	media_free(&p);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "rewriting.h"
#include "check.h"

u32 ssrc(const char *text)
{
	u32 n;

	memcpy(&n, text, 4);
	return n;
}

struct rtpe_rewrite *made(const struct rtpe_rewrite_parts *parts)
{
	struct rtpe_rewrite *w;

	CHECK_EQ(rtpe_rewrite_check(parts), 0);
	CHECK_EQ(rtpe_rewrite_create(&w, parts), 0);
	CHECK(w);
	return w;
}

int rewrite(const struct rtpe_rewrite_parts *parts, struct media *m)
{
	struct rtpe_rewrite *w = made(parts);
	struct rtpe_packet p;
	int result;

	media_packet(&p, m->bytes, m->len, rtpe_rewrite_growth(w));
	result = rtpe_rewrite_packet(w, &p);
	CHECK_EQ(p.len + p.room, m->len + rtpe_rewrite_growth(w));
	memcpy(m->bytes, p.data, p.len);
	m->len = p.len;
	media_free(&p);
	rtpe_rewrite_destroy(w);
	return result;
}

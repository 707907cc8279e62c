// SPDX-License-Identifier: GPL-2.0-or-later
#include "rewrite.h"
#include "extmap.h"
#include "rtcp.h"

#define PADDING_BIT 0x20
#define PAYLOAD_TYPES 128

struct rtpe_rewrite {
	u8 rule_of[PAYLOAD_TYPES];	/* 0: none, else 1 + index into rules */
	bool strip_feedback, filters, inserts;
	u32 num_maps;
	u32 others;			/* combined with an SSRC that has no map */
	struct rtpe_extensions extensions;
	struct rtpe_mid mid;
	struct rtpe_ssrc_map maps[RTPE_MAX_SSRC_MAPS];
	struct rtpe_rule rules[RTPE_MAX_RULES];
};

static int check_rules(const struct rtpe_rule *rules, u32 count)
{
	static const u8 zero[sizeof(rules->reserved)];
	int last = -1;
	u32 i;

	for (i = 0; i < count; i++) {
		const struct rtpe_rule *r = &rules[i];

		if (r->number <= last || r->number >= PAYLOAD_TYPES || r->flags & ~RTPE_RULE_FLAGS)
			return -EINVAL;
		if (r->pattern_len > RTPE_MAX_PATTERN || memcmp(r->reserved, zero, sizeof(zero)))
			return -EINVAL;
		last = r->number;
	}
	return 0;
}

static const struct rtpe_ssrc_map *find_map(const struct rtpe_ssrc_map *maps, u32 count, u32 ssrc)
{
	u32 i;

	for (i = 0; i < count; i++)
		if (maps[i].from == ssrc)
			return &maps[i];
	return NULL;
}

static bool is_for_others(const struct rtpe_ssrc_map *m)
{
	return m->flags & RTPE_SSRC_MAP_OTHERS;
}

static int check_maps(const struct rtpe_ssrc_map *maps, u32 count)
{
	u32 i;

	for (i = 0; i < count; i++) {
		const struct rtpe_ssrc_map *m = &maps[i];

		if (m->reserved[0] | m->reserved[1] || m->flags & ~RTPE_SSRC_MAP_FLAGS)
			return -EINVAL;
		if (is_for_others(m) && (i + 1 < count || m->from || m->seq_offset))
			return -EINVAL;
		if (!is_for_others(m) && find_map(maps, i, m->from))
			return -EINVAL;
	}
	return 0;
}

static int check_mid(const struct rtpe_mid *mid)
{
	static const u8 zero[sizeof(mid->text)];

	if (!mid->id || mid->id == 15 || !mid->len || memcmp(mid->reserved, zero, sizeof(mid->reserved)))
		return -EINVAL;
	return memcmp(mid->text + mid->len, zero, sizeof(mid->text) - mid->len) ? -EINVAL : 0;
}

int rtpe_rewrite_check(const struct rtpe_rewrite_parts *parts)
{
	int err;

	if (parts->num_maps > RTPE_MAX_SSRC_MAPS || parts->num_rules > RTPE_MAX_RULES)
		return -ERANGE;
	err = check_maps(parts->maps, parts->num_maps);
	if (!err)
		err = check_rules(parts->rules, parts->num_rules);
	if (!err && parts->mid)
		err = check_mid(parts->mid);
	return err;
}

static void fill(struct rtpe_rewrite *w, const struct rtpe_rewrite_parts *parts)
{
	u32 i;

	w->strip_feedback = parts->strip_feedback;
	for (i = 0; i < parts->num_maps; i++)
		if (is_for_others(&parts->maps[i]))
			w->others = parts->maps[i].to;
		else
			w->maps[w->num_maps++] = parts->maps[i];
	for (i = 0; i < parts->num_rules; i++) {
		w->rules[i] = parts->rules[i];
		w->rule_of[parts->rules[i].number] = (u8)(1 + i);
	}
	w->filters = parts->extensions;
	if (parts->extensions)
		w->extensions = *parts->extensions;
	w->inserts = parts->mid;
	if (parts->mid)
		w->mid = *parts->mid;
}

int rtpe_rewrite_create(struct rtpe_rewrite **out, const struct rtpe_rewrite_parts *parts)
{
	*out = NULL;
	if (!parts->num_maps && !parts->num_rules && !parts->extensions && !parts->mid && !parts->strip_feedback)
		return 0;
	*out = rtpe_alloc(sizeof(**out));
	if (!*out)
		return -ENOMEM;
	fill(*out, parts);
	return 0;
}

void rtpe_rewrite_destroy(struct rtpe_rewrite *w)
{
	rtpe_free(w);
}

u32 rtpe_rewrite_growth(const struct rtpe_rewrite *w)
{
	return w && w->inserts ? rtpe_extmap_growth(&w->mid) : 0;
}

/* Without padding, which counts itself in its last byte; a count that lies leaves no payload. */
static u32 payload_len(const struct rtpe_packet *p)
{
	u32 bytes = p->len - p->header_len;
	u8 padding;

	if (!(p->data[0] & PADDING_BIT))
		return bytes;
	padding = p->data[p->len - 1];
	return padding && padding <= bytes ? bytes - padding : 0;
}

/* What was written already serves as the pattern for twice as much. */
static void fill_pattern(u8 *at, u32 len, const u8 *pattern, u32 bytes)
{
	u32 done = bytes < len ? bytes : len, n;

	memcpy(at, pattern, done);
	for (; done < len; done += n) {
		n = done < len - done ? done : len - done;
		memcpy(at + done, at, n);
	}
}

/* False: this packet is left out. */
static bool apply_rule(const struct rtpe_rule *r, struct rtpe_packet *p)
{
	u32 len = payload_len(p);

	if (r->flags & RTPE_RULE_BLACKHOLE || len < r->min_payload)
		return false;
	if (r->pattern_len)
		fill_pattern(p->data + p->header_len, len, r->pattern, r->pattern_len);
	return true;
}

static void write16(u8 *at, u16 value)
{
	at[0] = (u8)(value >> 8);
	at[1] = (u8)value;
}

static void replace_source(const struct rtpe_rewrite *w, struct rtpe_packet *p)
{
	const struct rtpe_ssrc_map *m = find_map(w->maps, w->num_maps, p->ssrc);

	if (!m && !w->others)
		return;
	if (m) {
		p->seq += m->seq_offset;
		write16(p->data + 2, p->seq);
	}
	p->ssrc = m ? m->to : p->ssrc ^ w->others;
	memcpy(p->data + 8, &p->ssrc, 4);
}

static int rewrite_rtp(const struct rtpe_rewrite *w, struct rtpe_packet *p)
{
	u8 rule = w->rule_of[p->payload_type];
	int err;

	if (rule && !apply_rule(&w->rules[rule - 1], p))
		return RTPE_LEAVE_OUT;
	if (w->filters || w->inserts) {
		err = rtpe_extmap_edit(p, w->filters ? &w->extensions : NULL, w->inserts ? &w->mid : NULL);
		if (err)
			return err;
	}
	replace_source(w, p);
	return RTPE_SEND;
}

/* Replaces what it visits; `map` is of the source visited last. */
struct replacer {
	struct rtpe_rtcp_visitor visitor;
	const struct rtpe_rewrite *w;
	const struct rtpe_ssrc_map *map;
};

static void replace_ssrc(struct rtpe_rtcp_visitor *v, u8 *ssrc)
{
	struct replacer *r = container_of(v, struct replacer, visitor);
	u32 from, to;

	memcpy(&from, ssrc, 4);
	r->map = find_map(r->w->maps, r->w->num_maps, from);
	if (!r->map && !from)
		return;
	to = r->map ? r->map->to : from ^ r->w->others;
	memcpy(ssrc, &to, 4);
}

/* Extended numbers move by a signed step, so that a small one does not look like a whole cycle. */
static void replace_sequence(struct rtpe_rtcp_visitor *v, u8 *number, u32 bytes)
{
	const struct replacer *r = container_of(v, struct replacer, visitor);
	u32 value;

	if (!r->map)
		return;
	if (bytes == 2) {
		write16(number, (u16)(rtpe_read16(number) + r->map->seq_offset));
		return;
	}
	value = rtpe_read32(number) + r->map->seq_offset - (r->map->seq_offset & 0x8000u) * 2;
	write16(number, (u16)(value >> 16));
	write16(number + 2, (u16)value);
}

/* The rest moves together; what stays keeps its order. */
static void strip_feedback(struct rtpe_packet *p)
{
	struct rtpe_rtcp r;
	u32 at = 0, left = 0;

	for (; rtpe_rtcp_at(p, at, &r); at += r.len) {
		if (rtpe_rtcp_is_feedback(&r))
			continue;
		memmove(p->data + left, r.data, r.len);
		left += r.len;
	}
	p->room += p->len - left;
	p->len = left;
}

static int rewrite_rtcp(const struct rtpe_rewrite *w, struct rtpe_packet *p)
{
	struct replacer replacer = { { replace_ssrc, replace_sequence }, w, NULL };
	struct rtpe_rtcp r;
	u32 at;

	bool replaces = w->num_maps || w->others;

	if (!w->strip_feedback && !replaces)
		return RTPE_SEND;
	if (!rtpe_rtcp_is_whole(p))
		return -EBADMSG;
	if (w->strip_feedback)
		strip_feedback(p);
	if (p->len < RTPE_RTCP_MIN_LEN)
		return RTPE_LEAVE_OUT;
	for (at = 0; replaces && rtpe_rtcp_at(p, at, &r); at += r.len)
		rtpe_rtcp_visit(&r, &replacer.visitor);
	return RTPE_SEND;
}

int rtpe_rewrite_packet(const struct rtpe_rewrite *w, struct rtpe_packet *p)
{
	if (likely(p->kind == RTPE_KIND_RTP))
		return rewrite_rtp(w, p);
	return p->kind == RTPE_KIND_RTCP ? rewrite_rtcp(w, p) : RTPE_SEND;
}

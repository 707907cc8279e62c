// SPDX-License-Identifier: GPL-2.0-or-later
#include "extmap.h"

#define PROFILE_ONE_BYTE 0xbede
#define PROFILE_TWO_BYTE 0x1000
#define APP_BITS 0x000f		/* of the two-byte profile, for the application */
#define EXTENSION_BIT 0x10
#define EXTENSION_HEADER 4
#define ONE_BYTE_MAX_ID 14
#define ONE_BYTE_MAX_LEN 16

/* The extension header's own place. */
static u8 *header_of(const struct rtpe_packet *p)
{
	return p->data + RTPE_RTP_HEADER_LEN + (p->data[0] & 0x0f) * 4;
}

static bool has_header(const struct rtpe_packet *p)
{
	return p->data[0] & EXTENSION_BIT;
}

bool rtpe_elements_begin(struct rtpe_elements *e, const struct rtpe_packet *p)
{
	const u8 *h = header_of(p);
	u16 profile;

	if (!has_header(p))
		return false;
	profile = rtpe_read16(h);
	e->two_byte = (profile & ~APP_BITS) == PROFILE_TWO_BYTE;
	e->at = h + EXTENSION_HEADER;
	e->end = p->data + p->header_len;
	return e->two_byte || profile == PROFILE_ONE_BYTE;
}

/*
 * Section 4.2: id 15 ends the extension, and so does padding that claims to have
 * a length; zero bytes between elements mean nothing in either form.
 */
bool rtpe_elements_next(struct rtpe_elements *e, struct rtpe_element *out)
{
	u32 left, head = e->two_byte ? 2 : 1;

	while (e->at != e->end && !*e->at)
		e->at++;
	left = (u32)(e->end - e->at);
	if (left < head)
		return false;
	if (e->two_byte) {
		out->id = e->at[0];
		out->len = e->at[1];
	} else {
		out->id = e->at[0] >> 4;
		out->len = (e->at[0] & 0x0f) + 1;
		if (!out->id || out->id > ONE_BYTE_MAX_ID)
			return false;
	}
	if (left - head < out->len)
		return false;
	out->data = e->at + head;
	e->at = out->data + out->len;
	return true;
}

bool rtpe_element_find(const struct rtpe_packet *p, u8 id, struct rtpe_element *out)
{
	struct rtpe_elements e;

	if (!rtpe_elements_begin(&e, p))
		return false;
	while (rtpe_elements_next(&e, out))
		if (out->id == id && out->len)
			return true;
	return false;
}

/* What an extension is to become. */
struct plan {
	const struct rtpe_extensions *allowed;
	const struct rtpe_mid *mid;
	bool was_two_byte, two_byte;
	bool whole;		/* nothing is taken out */
	u16 profile;
	u32 kept;		/* elements, */
	u32 kept_bytes;		/* and their bytes in the old form */
	u32 old_len, new_len;	/* with the extension header */
};

static bool stays(const struct plan *plan, const struct rtpe_element *x)
{
	if (plan->mid && plan->mid->id == x->id)
		return false;
	return !plan->allowed || plan->allowed->allowed[x->id / 8] & 1u << x->id % 8;
}

static bool fits_one_byte(const struct rtpe_mid *mid)
{
	return mid->id <= ONE_BYTE_MAX_ID && mid->len <= ONE_BYTE_MAX_LEN;
}

static u32 mid_bytes(const struct plan *plan)
{
	return plan->mid ? plan->mid->len + (plan->two_byte ? 2u : 1u) : 0;
}

/* Elements that are converted grow by the second byte of their head. */
static u32 conversion(const struct plan *plan)
{
	return plan->two_byte != plan->was_two_byte ? plan->kept : 0;
}

static void count_elements(struct plan *plan, struct rtpe_elements *e)
{
	struct rtpe_element x;

	plan->whole = true;
	while (rtpe_elements_next(e, &x)) {
		if (!stays(plan, &x)) {
			plan->whole = false;
			continue;
		}
		plan->kept++;
		plan->kept_bytes += x.len + (e->two_byte ? 2u : 1u);
	}
	if (e->at != e->end)
		plan->whole = false;
}

/* False: there is nothing to do. */
static bool make_plan(struct plan *plan, const struct rtpe_packet *p)
{
	struct rtpe_elements e;
	u32 bytes;

	plan->profile = PROFILE_ONE_BYTE;
	if (rtpe_elements_begin(&e, p)) {
		plan->profile = rtpe_read16(header_of(p));
		plan->was_two_byte = plan->two_byte = e.two_byte;
		plan->old_len = (u32)(e.end - header_of(p));
		count_elements(plan, &e);
	} else if (has_header(p)) {
		return false;
	}
	if (plan->mid && !plan->two_byte && !fits_one_byte(plan->mid)) {
		plan->two_byte = true;
		plan->profile = PROFILE_TWO_BYTE;
	}
	bytes = plan->kept_bytes + conversion(plan) + mid_bytes(plan);
	plan->new_len = bytes ? EXTENSION_HEADER + (bytes + 3) / 4 * 4 : 0;
	return plan->mid || (plan->old_len && !(plan->whole && plan->kept));
}

/* The elements that stay, one behind the other, at the beginning of the old extension. */
static void compact(const struct plan *plan, const struct rtpe_packet *p)
{
	u8 *to = header_of(p) + EXTENSION_HEADER;
	u32 head = plan->was_two_byte ? 2 : 1, bytes;
	struct rtpe_elements e;
	struct rtpe_element x;

	if (!rtpe_elements_begin(&e, p))
		return;
	while (rtpe_elements_next(&e, &x)) {
		if (!stays(plan, &x))
			continue;
		bytes = head + x.len;
		memmove(to, x.data - head, bytes);
		to += bytes;
	}
}

static u8 *put_mid(u8 *to, const struct plan *plan)
{
	const struct rtpe_mid *mid = plan->mid;

	if (!mid)
		return to;
	if (plan->two_byte) {
		*to++ = mid->id;
		*to++ = mid->len;
	} else {
		*to++ = (u8)(mid->id << 4 | (mid->len - 1));
	}
	memcpy(to, mid->text, mid->len);
	return to + mid->len;
}

/* The compacted elements from `from` on, each with a byte more; `to` is that many bytes before `from`. */
static u8 *convert(u8 *to, const u8 *from, u32 count)
{
	while (count--) {
		u8 id = from[0] >> 4, len = (from[0] & 0x0f) + 1;

		*to++ = id;
		*to++ = len;
		memmove(to, from + 1, len);
		to += len;
		from += 1 + len;
	}
	return to;
}

static void write_extension(const struct plan *plan, u8 *h)
{
	u8 *body = h + EXTENSION_HEADER, *end = h + plan->new_len, *from = body + mid_bytes(plan) + conversion(plan), *to;
	u32 words = (plan->new_len - EXTENSION_HEADER) / 4;

	memmove(from, body, plan->kept_bytes);
	to = put_mid(body, plan);
	to = conversion(plan) ? convert(to, from, plan->kept) : to + plan->kept_bytes;
	memset(to, 0, (size_t)(end - to));
	h[0] = (u8)(plan->profile >> 8);
	h[1] = (u8)plan->profile;
	h[2] = (u8)(words >> 8);
	h[3] = (u8)words;
}

int rtpe_extmap_edit(struct rtpe_packet *p, const struct rtpe_extensions *allowed, const struct rtpe_mid *mid)
{
	struct plan plan = { .allowed = allowed, .mid = mid };
	u8 *h = header_of(p);
	u32 behind;

	if (!make_plan(&plan, p))
		return 0;
	if (plan.new_len > plan.old_len + p->room || plan.new_len / 4 > 0x10000)
		return -EMSGSIZE;
	behind = p->len - (u32)(h - p->data) - plan.old_len;
	compact(&plan, p);
	memmove(h + plan.new_len, h + plan.old_len, behind);
	p->data[0] &= (u8)~EXTENSION_BIT;
	if (plan.new_len) {
		write_extension(&plan, h);
		p->data[0] |= EXTENSION_BIT;
	}
	p->len += plan.new_len - plan.old_len;
	p->room -= plan.new_len - plan.old_len;
	p->header_len += plan.new_len - plan.old_len;
	return 0;
}

u32 rtpe_extmap_growth(const struct rtpe_mid *mid)
{
	u32 bytes;

	if (!mid)
		return 0;
	bytes = fits_one_byte(mid) ? 1 + mid->len : 2 + mid->len + ONE_BYTE_MAX_ID;
	return EXTENSION_HEADER + (bytes + 3) / 4 * 4;
}

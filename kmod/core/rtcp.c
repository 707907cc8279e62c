// SPDX-License-Identifier: GPL-2.0-or-later
#include "rtcp.h"

#define FIRST_TYPE 194		/* what else is there could be taken for RTP if it came first (RFC 5761) */
#define LAST_TYPE 223
#define REPORT_BLOCK 24
#define REPORT_SEQUENCE 8	/* in a report block */
#define SENDER_INFO 20
#define FEEDBACK_ENTRIES 12	/* behind header, sender and media source */
#define FMT_NACK 1
#define FMT_CONGESTION 11	/* RFC 8888: reports per source, no media source */
#define FMT_APPLICATION 15
#define XR_DLRR 5

bool rtpe_rtcp_at(const struct rtpe_packet *p, u32 at, struct rtpe_rtcp *out)
{
	u8 *h = p->data + at;

	if (at > p->len || p->len - at < RTPE_RTCP_HEADER_LEN || h[0] >> 6 != 2)
		return false;
	out->data = h;
	out->len = ((u32)rtpe_read16(h + 2) + 1) * 4;
	out->type = h[1];
	out->count = h[0] & 0x1f;
	return out->len <= p->len - at && out->type >= FIRST_TYPE && out->type <= LAST_TYPE;
}

bool rtpe_rtcp_is_whole(const struct rtpe_packet *p)
{
	struct rtpe_rtcp r;
	u32 at = 0;

	while (rtpe_rtcp_at(p, at, &r))
		at += r.len;
	return at && at == p->len;
}

bool rtpe_rtcp_is_pure_feedback(const struct rtpe_packet *p)
{
	struct rtpe_rtcp r;
	u32 at = 0;

	while (rtpe_rtcp_at(p, at, &r) && rtpe_rtcp_is_feedback(&r))
		at += r.len;
	return at && at == p->len;
}

/* False: no SSRC lies there. */
static bool visit_ssrc(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r, u32 at)
{
	if (at + 4 > r->len)
		return false;
	v->ssrc(v, r->data + at);
	return true;
}

static void visit_sequence(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r, u32 at, u32 bytes)
{
	if (v->sequence && at + bytes <= r->len)
		v->sequence(v, r->data + at, bytes);
}

/* Each stands at the beginning of an entry of `bytes` bytes. */
static void visit_list(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r, u32 at, u32 bytes, u32 count)
{
	for (; count-- && visit_ssrc(v, r, at); at += bytes)
		;
}

static void visit_reports(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r, u32 at)
{
	u32 i;

	for (i = 0; i < r->count && visit_ssrc(v, r, at); i++, at += REPORT_BLOCK)
		visit_sequence(v, r, at + REPORT_SEQUENCE, 4);
}

/* Behind the items of a chunk that begin at `at`: they end with a zero byte, which fills up the word. */
static u32 after_items(const struct rtpe_rtcp *r, u32 at)
{
	while (at + 1 < r->len && r->data[at])
		at += 2u + r->data[at + 1];
	return (at & ~3u) + 4;
}

static void visit_descriptions(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r)
{
	u32 at = RTPE_RTCP_HEADER_LEN, i;

	for (i = 0; i < r->count && visit_ssrc(v, r, at); i++)
		at = after_items(r, at + 4);
}

/* RFC 4585 section 6.2.1: packet number and mask of those that follow it. */
static void visit_nacks(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r)
{
	u32 at;

	for (at = FEEDBACK_ENTRIES; at + 4 <= r->len; at += 4)
		visit_sequence(v, r, at, 2);
}

/* RFC 8888 section 3.1: source, first number, count, two bytes each, padded; a time stamp at the end. */
static void visit_congestion(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r)
{
	u32 at = 8;

	while (at + 12 <= r->len) {
		visit_ssrc(v, r, at);
		visit_sequence(v, r, at + 4, 2);
		at += 8 + (rtpe_read16(r->data + at + 6) + 1u) / 2 * 4;
	}
}

/* draft-alvestrand-rmcat-remb section 2.2 */
static void visit_application(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r)
{
	if (r->len >= 20 && !memcmp(r->data + FEEDBACK_ENTRIES, "REMB", 4))
		visit_list(v, r, 20, 4, r->data[16]);
}

/* Formats whose entries begin with the SSRC they are for (RFC 5104 section 4). */
static u32 entry_bytes(const struct rtpe_rtcp *r)
{
	static const u8 transport[] = { [3] = 8, [4] = 8 };		/* TMMBR, TMMBN */
	static const u8 payload[] = { [4] = 8, [5] = 8, [6] = 8 };	/* FIR, TSTR, TSTN */

	if (r->type == RTPE_RTCP_RTPFB)
		return r->count < sizeof(transport) ? transport[r->count] : 0;
	return r->count < sizeof(payload) ? payload[r->count] : 0;
}

static void visit_feedback(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r)
{
	u32 bytes = entry_bytes(r);

	visit_ssrc(v, r, 4);
	if (r->type == RTPE_RTCP_RTPFB && r->count == FMT_CONGESTION) {
		visit_congestion(v, r);
		return;
	}
	visit_ssrc(v, r, 8);
	if (r->type == RTPE_RTCP_RTPFB && r->count == FMT_NACK)
		visit_nacks(v, r);
	else if (r->type == RTPE_RTCP_PSFB && r->count == FMT_APPLICATION)
		visit_application(v, r);
	else if (bytes)
		visit_list(v, r, FEEDBACK_ENTRIES, bytes, r->len / bytes);
}

/* RFC 3611 section 4: what kinds of blocks name. */
static void visit_extended(struct rtpe_rtcp_visitor *v, const struct rtpe_rtcp *r)
{
	enum { NOTHING, SOURCE, SOURCE_AND_RANGE };
	static const u8 names[] = {
		[1] = SOURCE_AND_RANGE,		/* lost packets */
		[2] = SOURCE_AND_RANGE,		/* duplicates */
		[3] = SOURCE_AND_RANGE,		/* times of receipt */
		[6] = SOURCE_AND_RANGE,		/* summary */
		[7] = SOURCE,			/* VoIP metrics */
	};
	struct rtpe_rtcp block;
	u32 at;

	visit_ssrc(v, r, 4);
	for (at = 8; at + 4 <= r->len; at += block.len) {
		block.data = r->data + at;
		block.type = block.data[0];
		block.len = ((u32)rtpe_read16(block.data + 2) + 1) * 4;
		if (block.len > r->len - at)
			return;
		if (block.type == XR_DLRR)
			visit_list(v, &block, 4, 12, block.len / 12);
		if (block.type >= sizeof(names) || names[block.type] == NOTHING)
			continue;
		visit_ssrc(v, &block, 4);
		if (names[block.type] == SOURCE_AND_RANGE) {
			visit_sequence(v, &block, 8, 2);
			visit_sequence(v, &block, 10, 2);
		}
	}
}

/* Without what the padding bit says is padding. */
static struct rtpe_rtcp unpadded(const struct rtpe_rtcp *r)
{
	struct rtpe_rtcp x = *r;
	u8 padding = r->data[0] & 0x20 ? r->data[r->len - 1] : 0;

	if (padding <= r->len - RTPE_RTCP_HEADER_LEN)
		x.len -= padding;
	return x;
}

static void visit(const struct rtpe_rtcp *r, struct rtpe_rtcp_visitor *v)
{
	switch (r->type) {
	case RTPE_RTCP_SR:
		visit_ssrc(v, r, 4);
		visit_reports(v, r, 8 + SENDER_INFO);
		break;
	case RTPE_RTCP_RR:
		visit_ssrc(v, r, 4);
		visit_reports(v, r, 8);
		break;
	case RTPE_RTCP_SDES:
		visit_descriptions(v, r);
		break;
	case RTPE_RTCP_BYE:
		visit_list(v, r, 4, 4, r->count);
		break;
	case RTPE_RTCP_APP:
		visit_ssrc(v, r, 4);
		break;
	case RTPE_RTCP_RTPFB:
	case RTPE_RTCP_PSFB:
		visit_feedback(v, r);
		break;
	case RTPE_RTCP_XR:
		visit_extended(v, r);
		break;
	}
}

void rtpe_rtcp_visit(const struct rtpe_rtcp *r, struct rtpe_rtcp_visitor *v)
{
	struct rtpe_rtcp x = unpadded(r);

	visit(&x, v);
}

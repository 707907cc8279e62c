// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Any packet through any rewriting. The input: which parts there are, the MID's id
 * and length, a rule (4 bytes), how many SSRC maps of 12 bytes follow, then the packet.
 */
#include "../../kmod/core/parse.h"
#include "../../kmod/core/rewrite.h"
#include "../../kmod/core/rtcp.h"
#include "fuzz.h"
#include "media.h"

struct input {
	struct rtpe_ssrc_map maps[RTPE_MAX_SSRC_MAPS];
	struct rtpe_rule rule;
	struct rtpe_extensions extensions;
	struct rtpe_mid mid;
	struct rtpe_rewrite_parts parts;
};

/* Returns the bytes of data that were used; 0: too short. */
static size_t read_parts(struct input *in, const u8 *data, size_t size)
{
	size_t at = 8, i;

	if (size < 8)
		return 0;
	memset(in, 0, sizeof(*in));
	in->parts.maps = in->maps;
	in->parts.rules = &in->rule;
	in->parts.num_maps = data[7] % (RTPE_MAX_SSRC_MAPS + 2);
	if (size < at + in->parts.num_maps * 12 || in->parts.num_maps > RTPE_MAX_SSRC_MAPS)
		return 0;
	for (i = 0; i < in->parts.num_maps; i++, at += 12) {
		memcpy(&in->maps[i].from, data + at, 4);
		memcpy(&in->maps[i].to, data + at + 4, 4);
		memcpy(&in->maps[i].seq_offset, data + at + 8, 2);
		in->maps[i].flags = data[at + 10] & 3;
	}
	in->parts.strip_feedback = data[0] & 1;
	in->parts.num_rules = data[0] >> 1 & 1;
	in->rule.number = data[3];
	in->rule.flags = data[4] & 1;
	in->rule.min_payload = data[5];
	in->rule.pattern_len = data[6] % 20;
	memset(in->rule.pattern, 0xaa, sizeof(in->rule.pattern));
	memset(in->extensions.allowed, data[4], sizeof(in->extensions.allowed));
	if (data[0] & 4)
		in->parts.extensions = &in->extensions;
	in->mid.id = data[1];
	in->mid.len = data[2];
	memset(in->mid.text, 'm', in->mid.len);
	if (data[0] & 8)
		in->parts.mid = &in->mid;
	return at;
}

static void check_rewritten(const struct rtpe_packet *p, const struct rtpe_packet *before, const struct input *in)
{
	struct rtpe_packet again = *p;
	struct rtpe_rtcp r;
	u32 at = 0;

	rtpe_packet_parse(&again);
	fuzz_check(again.kind == before->kind);
	if (again.kind == RTPE_KIND_RTP)
		fuzz_check(again.seq == p->seq && again.ssrc == p->ssrc && again.header_len == p->header_len &&
			   again.payload_type == before->payload_type && again.timestamp == before->timestamp);
	for (; again.kind == RTPE_KIND_RTCP && in->parts.strip_feedback && rtpe_rtcp_at(p, at, &r); at += r.len)
		fuzz_check(!rtpe_rtcp_is_feedback(&r));
}

static void run(const struct rtpe_rewrite *w, const struct input *in, const u8 *data, u32 len)
{
	u32 room = rtpe_rewrite_growth(w);
	struct rtpe_packet p, before;
	int result;

	media_packet(&p, data, len, room);
	before = p;
	result = rtpe_rewrite_packet(w, &p);
	fuzz_check(result == RTPE_SEND || result == RTPE_LEAVE_OUT || result == -EMSGSIZE || result == -EBADMSG);
	fuzz_check(p.len + p.room == len + room);
	fuzz_check(result != -EBADMSG || !rtpe_rtcp_is_whole(&p));
	if (result == RTPE_SEND)
		check_rewritten(&p, &before, in);
	media_free(&p);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rtpe_rewrite *w;
	struct input in;
	size_t used = read_parts(&in, data, size);

	if (!used || rtpe_rewrite_check(&in.parts) || rtpe_rewrite_create(&w, &in.parts) || !w)
		return 0;
	run(w, &in, data + used, (u32)(size - used));
	rtpe_rewrite_destroy(w);
	return 0;
}

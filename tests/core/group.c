// SPDX-License-Identifier: GPL-3.0-or-later
/* Media sections of a bundle (RFC 9143 section 9.2). */
#include "../../kmod/core/group.h"
#include "check.h"
#include "media.h"

#define MID_ID 4
#define ONE 0xbede

static const struct rtpe_group groups[] = {
	{ .rtp_start = 0, .rtp_end = 1, .rtcp_start = 1, .rtcp_end = 2, .mid_len = 5, .mid = "audio" },
	{ .rtp_start = 2, .rtp_end = 4, .rtcp_start = 4, .rtcp_end = 5, .mid_len = 5, .mid = "video" },
	{ .rtp_start = 5, .rtp_end = 5, .rtcp_start = 5, .rtcp_end = 6 },
};

static struct rtpe_groups *made(u8 mid_id)
{
	struct rtpe_groups *g;

	CHECK_EQ(rtpe_groups_check(groups, COUNT(groups), 6, mid_id), 0);
	CHECK_EQ(rtpe_groups_create(&g, groups, COUNT(groups), mid_id), 0);
	rtpe_groups_payload_type(g, 97, 1);
	return g;
}

/* The number of the group that was chosen, by its first output. */
static int group_of(const struct rtpe_packet *p)
{
	u32 i;

	for (i = 0; i < COUNT(groups); i++)
		if (p->kind == RTPE_KIND_RTCP ? p->first == groups[i].rtcp_start && p->last == groups[i].rtcp_end :
						p->first == groups[i].rtp_start && p->last == groups[i].rtp_end)
			return (int)i;
	return -1;
}

static int choose(const struct rtpe_groups *g, const struct rtpe_ssrc *trackers, struct rtpe_ssrc *source,
		  const struct media *m, u8 pt_group)
{
	struct rtpe_packet p;

	media_packet(&p, m->bytes, m->len, 0);
	rtpe_groups_choose(g, trackers, source, &p, pt_group);
	media_free(&p);
	return group_of(&p);
}

static void rtp_with(struct media *m, const char *mid, u16 seq)
{
	char data[17];
	u32 len = (u32)strlen(mid);

	media_rtp(m, 96);
	m->bytes[2] = (u8)(seq >> 8);
	m->bytes[3] = (u8)seq;
	if (!len)
		return;
	data[0] = (char)(MID_ID << 4 | (len - 1));
	memcpy(data + 1, mid, len);
	media_extension(m, ONE, data, 1 + len);
}

TEST(group_checks)
{
	static const struct {
		const char *name;
		int result;
		struct rtpe_group group;
	} rows[] = {
		{ "all outputs", 0, { .rtp_end = 4, .rtcp_end = 4 } },
		{ "none", 0, { .rtp_start = 4, .rtp_end = 4, .rtcp_start = 0, .rtcp_end = 0 } },
		{ "RTP past the end", -EINVAL, { .rtp_end = 5 } }, { "RTCP past the end", -EINVAL, { .rtcp_end = 5 } },
		{ "RTP backwards", -EINVAL, { .rtp_start = 2, .rtp_end = 1 } },
		{ "RTCP backwards", -EINVAL, { .rtcp_start = 2, .rtcp_end = 1 } },
		{ "start past the end", -EINVAL, { .rtp_start = 5, .rtp_end = 5 } },
		{ "reserved", -EINVAL, { .reserved = { 0, 0, 1 } } },
		{ "MID", 0, { .mid_len = 1, .mid = "a" } }, { "longest MID", 0, { .mid_len = 255, .mid = "a" } },
		{ "MID twice", -EINVAL, { .mid_len = 2, .mid = "aa" } },
		{ "something behind the MID", -EINVAL, { .mid_len = 1, .mid = "ab" } },
		{ "something behind no MID", -EINVAL, { .mid = "a" } },
	};
	static struct rtpe_group many[RTPE_MAX_GROUPS + 1];
	u32 i;

	for (i = 0; i < COUNT(rows); i++) {
		struct rtpe_group pair[2] = { { .mid_len = 2, .mid = "aa" }, rows[i].group };

		check_case(rows[i].name);
		CHECK_EQ(rtpe_groups_check(pair, 2, 4, MID_ID), rows[i].result);
	}
	CHECK_EQ(rtpe_groups_check(many, RTPE_MAX_GROUPS, 4, 0), 0);
	CHECK_EQ(rtpe_groups_check(many, RTPE_MAX_GROUPS + 1, 4, 0), -ERANGE);
	CHECK_EQ(rtpe_groups_check(many, 1, 4, 15), -EINVAL);
}

TEST(group_none)
{
	struct rtpe_groups *g;

	CHECK_EQ(rtpe_groups_create(&g, groups, 0, 1), 0);
	CHECK(!g);
	rtpe_groups_destroy(g);
}

/* MID, else what the source's MID was, else the payload type, else the first. */
TEST(group_of_rtp)
{
	struct rtpe_groups *g = made(MID_ID), *blind = made(0);
	static struct rtpe_ssrc trackers[RTPE_MAX_SSRCS];
	struct rtpe_ssrc *source = &trackers[0];
	static struct media m;

	rtp_with(&m, "", 1);
	CHECK_EQ(choose(g, trackers, source, &m, 0), 0);
	CHECK_EQ(choose(g, trackers, source, &m, 1), 1);
	CHECK_EQ(choose(g, trackers, source, &m, 2), 2);
	CHECK_EQ(source->group, 0);
	rtp_with(&m, "other", 1);
	CHECK_EQ(choose(g, trackers, source, &m, 1), 1);
	rtp_with(&m, "vide", 1);
	CHECK_EQ(choose(g, trackers, source, &m, 0), 0);
	rtp_with(&m, "video", 1);
	CHECK_EQ(choose(blind, trackers, source, &m, 0), 0);
	CHECK_EQ(source->group, 0);
	CHECK_EQ(choose(g, trackers, source, &m, 0), 1);
	CHECK_EQ(source->group, 2);
	rtp_with(&m, "", 2);
	CHECK_EQ(choose(g, trackers, source, &m, 0), 1);
	CHECK_EQ(choose(blind, trackers, source, &m, 0), 1);
	CHECK_EQ(choose(g, trackers, &trackers[1], &m, 0), 0);
	CHECK_EQ(choose(g, trackers, NULL, &m, 2), 2);
	rtp_with(&m, "audio", 3);
	CHECK_EQ(choose(g, trackers, NULL, &m, 2), 0);
	CHECK_EQ(choose(g, trackers, source, &m, 2), 0);
	CHECK_EQ(source->group, 1);
	rtpe_groups_destroy(g);
	rtpe_groups_destroy(blind);
}

/* A late packet goes where its own MID says, and the next one without a MID where the newer said. */
TEST(group_late_mids_are_not_remembered)
{
	struct rtpe_ssrc source = { .valid = 1, .ext_seq = 0x10005, .group = 1 };
	struct rtpe_groups *g = made(MID_ID);
	static struct media m;

	rtp_with(&m, "video", 4);
	CHECK_EQ(choose(g, &source, &source, &m, 0), 1);
	CHECK_EQ(source.group, 1);
	rtp_with(&m, "video", 0xffff);
	CHECK_EQ(choose(g, &source, &source, &m, 0), 1);
	CHECK_EQ(source.group, 1);
	rtp_with(&m, "video", 5);
	CHECK_EQ(choose(g, &source, &source, &m, 0), 1);
	CHECK_EQ(source.group, 2);
	source.valid = 0;		/* nothing to compare with yet */
	source.group = 0;
	rtp_with(&m, "video", 0x9000);
	CHECK_EQ(choose(g, &source, &source, &m, 0), 1);
	CHECK_EQ(source.group, 2);
	rtpe_groups_destroy(g);
}

/* From another engine, or from before the groups were replaced. */
TEST(group_that_is_not_there_any_more)
{
	struct rtpe_ssrc source = { .valid = 1, .group = 8 };
	struct rtpe_groups *g = made(MID_ID);
	static struct media m;

	rtp_with(&m, "", 1);
	CHECK_EQ(choose(g, &source, &source, &m, 1), 0);
	source.group = 0;
	CHECK_EQ(choose(g, &source, &source, &m, 200), 0);
	rtpe_groups_destroy(g);
}

TEST(group_two_byte_mid)
{
	struct rtpe_groups *g = made(MID_ID);
	struct rtpe_ssrc source = { 0 };
	static struct media m;

	media_rtp(&m, 96);
	media_extension(&m, 0x1000, "\4\5video", 7);
	CHECK_EQ(choose(g, &source, &source, &m, 0), 1);
	rtpe_groups_destroy(g);
}

/* By whichever of its SSRCs is one of ours; a source without MID by the payload type it sent last. */
TEST(group_of_rtcp)
{
	static struct rtpe_ssrc trackers[RTPE_MAX_SSRCS];
	struct rtpe_groups *g = made(MID_ID);
	static struct media m;
	u32 i;
	static const struct {
		const char *name;
		u8 count, type;
		const char *data;
		u32 len;
		int group;
	} rows[] = {
		{ "sender report of video", 0, 200, "vvvv12345678901234567890", 24, 1 },
		{ "sender report of audio", 0, 200, "aaaa12345678901234567890", 24, 0 },
		{ "by payload type", 0, 201, "pppp", 4, 1 },
		{ "stranger", 0, 201, "xxxx", 4, 0 },
		{ "not valid any more", 0, 201, "oooo", 4, 0 },
		{ "goodbye, second is known", 2, 203, "xxxxvvvv", 8, 1 },
		{ "feedback, media source is known", 1, 206, "xxxxvvvv", 8, 1 },
		{ "first known counts", 1, 206, "aaaavvvv", 8, 0 },
		{ "description", 1, 202, "vvvv\0\0\0", 8, 1 },
		{ "too short", 1, 206, "", 0, 0 },
	};

	memcpy(&trackers[1].ssrc, "aaaa", 4);
	memcpy(&trackers[3].ssrc, "vvvv", 4);
	memcpy(&trackers[5].ssrc, "pppp", 4);
	memcpy(&trackers[7].ssrc, "oooo", 4);
	trackers[1].valid = trackers[3].valid = trackers[5].valid = 1;
	trackers[1].group = 1;
	trackers[3].group = trackers[7].group = 2;
	trackers[5].last_pt = 97;
	for (i = 0; i < COUNT(rows); i++) {
		check_case(rows[i].name);
		m.len = 0;
		media_rtcp(&m, rows[i].count, rows[i].type, rows[i].data, rows[i].len);
		media_add(&m, "\x80\xc9\xff\xff", 4);	/* and something that lies */
		CHECK_EQ(choose(g, trackers, NULL, &m, 2), rows[i].group);
	}
	m.len = 0;
	media_rtcp(&m, 0, 201, "xxxx", 4);
	media_rtcp(&m, 1, 203, "vvvv", 4);
	CHECK_EQ(choose(g, trackers, NULL, &m, 0), 1);	/* a later packet of the compound */
	rtpe_groups_destroy(g);
}

TEST(group_of_anything_else)
{
	struct rtpe_groups *g = made(MID_ID);
	static struct media m;

	m.len = 0;
	media_add(&m, "T.38", 4);
	CHECK_EQ(choose(g, NULL, NULL, &m, 1), 0);
	rtpe_groups_destroy(g);
}

// SPDX-License-Identifier: GPL-3.0-or-later
#include "../../kmod/core/parse.h"
#include "media.h"
#include "check.h"

void media_packet(struct rtpe_packet *p, const void *data, u32 len, u32 room)
{
	memset(p, 0, sizeof(*p));
	p->data = malloc(len + room ? len + room : 1);
	if (len)
		memcpy(p->data, data, len);
	p->len = len;
	p->room = room;
	p->now_us = 1700000000000000;
	rtpe_packet_parse(p);
}

void media_free(struct rtpe_packet *p)
{
	free(p->data);
}

void media_rtp(struct media *m, u8 payload_type)
{
	static const u8 header[12] = { 0x80, 0, 0x12, 0x34, 0, 0, 0, 1, 'S', 'S', 'R', 'C' };

	m->len = 0;
	media_add(m, header, sizeof(header));
	m->bytes[1] = payload_type;
}

void media_add(struct media *m, const void *data, u32 len)
{
	CHECK(m->len + len <= sizeof(m->bytes));
	if (len)
		memcpy(m->bytes + m->len, data, len);
	m->len += len;
}

static void add_padded(struct media *m, const void *data, u32 len)
{
	media_add(m, data, len);
	media_add(m, "\0\0\0", (4 - len % 4) % 4);
}

void media_extension(struct media *m, u16 profile, const void *data, u32 len)
{
	u32 words = (len + 3) / 4;
	u8 header[4] = { (u8)(profile >> 8), (u8)profile, (u8)(words >> 8), (u8)words };

	m->bytes[0] |= 0x10;
	media_add(m, header, sizeof(header));
	add_padded(m, data, len);
}

void media_rtcp(struct media *m, u8 count, u8 type, const void *data, u32 len)
{
	u32 words = (len + 3) / 4;
	u8 header[4] = { (u8)(0x80 | count), type, (u8)(words >> 8), (u8)words };

	media_add(m, header, sizeof(header));
	add_padded(m, data, len);
}

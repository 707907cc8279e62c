// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * edit - edits header extensions as it is told on standard input.
 *
 * A case: room (2 bytes), whether it filters, 32 bytes of allowed ids, the MID's id (0: none) and
 * length, the MID, the packet's length (2 bytes), the packet. Its answer: the length (2 bytes), 65535
 * for one that has no room, and the packet. All numbers are big-endian.
 */
#include "../../kmod/core/extmap.h"
#include "media.h"

#include <stdio.h>

static u32 number(u32 bytes)
{
	u8 data[2] = { 0 };

	if (fread(data + 2 - bytes, 1, bytes, stdin) != bytes)
		exit(0);
	return rtpe_read16(data);
}

static void text(void *to, u32 len)
{
	if (fread(to, 1, len, stdin) != len)
		exit(1);
}

static void answer(const u8 *data, u32 len)
{
	u8 head[2] = { (u8)(len >> 8), (u8)len };

	fwrite(head, 1, 2, stdout);
	if (len != 65535)
		fwrite(data, 1, len, stdout);
}

int main(void)
{
	static u8 data[65536];
	struct rtpe_extensions allowed;
	struct rtpe_packet p;
	struct rtpe_mid mid;
	u32 room, filters, len;

	for (;;) {
		memset(&mid, 0, sizeof(mid));
		room = number(2);
		filters = number(1);
		text(allowed.allowed, 32);
		mid.id = (u8)number(1);
		mid.len = (u8)number(1);
		text(mid.text, mid.len);
		len = number(2);
		text(data, len);
		media_packet(&p, data, len, room);
		if (p.kind == RTPE_KIND_RTP && rtpe_extmap_edit(&p, filters ? &allowed : NULL, mid.id ? &mid : NULL))
			answer(NULL, 65535);
		else
			answer(p.data, p.len);
		media_free(&p);
	}
}

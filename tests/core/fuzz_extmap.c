// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Any header extension, edited in any way. The input: the room behind the packet,
 * what is edited, the MID's id and length, 32 bytes of allowed ids, then the packet.
 */
#include "../../kmod/core/parse.h"
#include "../../kmod/core/extmap.h"
#include "fuzz.h"
#include "media.h"

#define HEAD (4 + 32)

static u32 count_elements(const struct rtpe_packet *p)
{
	struct rtpe_elements e;
	struct rtpe_element x;
	u32 n = 0;

	if (!rtpe_elements_begin(&e, p))
		return 0;
	while (rtpe_elements_next(&e, &x)) {
		fuzz_check(x.id && x.data >= p->data && x.data + x.len <= p->data + p->header_len);
		n++;
	}
	fuzz_check(e.at <= e.end);
	return n;
}

static struct rtpe_mid some_mid(const u8 *data)
{
	struct rtpe_mid mid = { .id = data[2] == 15 || !data[2] ? 1 : data[2], .len = data[3] ? data[3] : 1 };

	memset(mid.text, 'm', mid.len);
	return mid;
}

/* What must hold afterwards, whatever was there before. */
static void check_edited(struct rtpe_packet *p, const struct rtpe_extensions *allowed, const struct rtpe_mid *mid)
{
	struct rtpe_packet again = *p;
	struct rtpe_elements e;
	struct rtpe_element x;

	rtpe_packet_parse(&again);
	fuzz_check(again.kind == RTPE_KIND_RTP && again.header_len == p->header_len);
	if (!rtpe_elements_begin(&e, p))
		return;
	if (mid) {
		fuzz_check(rtpe_elements_next(&e, &x));
		fuzz_check(x.id == mid->id && x.len == mid->len && !memcmp(x.data, mid->text, x.len));
	}
	while (rtpe_elements_next(&e, &x)) {
		fuzz_check(!mid || x.id != mid->id);
		fuzz_check(!allowed || allowed->allowed[x.id / 8] & 1u << x.id % 8);
	}
	fuzz_check(!(allowed || mid) || e.at == e.end);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rtpe_extensions filter;
	const struct rtpe_extensions *allowed = NULL;
	const struct rtpe_mid *mid = NULL;
	struct rtpe_mid text;
	struct rtpe_packet p;
	u32 len, room, payload, before;
	int err;

	if (size < HEAD)
		return 0;
	text = some_mid(data);
	memcpy(filter.allowed, data + 4, 32);
	if (data[1] & 1)
		allowed = &filter;
	if (data[1] & 2)
		mid = &text;
	len = (u32)(size - HEAD);
	room = (u32)data[0] * 2;
	media_packet(&p, data + HEAD, len, room);
	if (p.kind == RTPE_KIND_RTP) {
		before = count_elements(&p);
		payload = p.len - p.header_len;
		err = rtpe_extmap_edit(&p, allowed, mid);
		fuzz_check(!err || err == -EMSGSIZE);
		fuzz_check(p.len + p.room == len + room && p.len - p.header_len == payload);
		fuzz_check(!err || (p.len == len && !memcmp(p.data, data + HEAD, len)));
		fuzz_check(!payload || !memcmp(p.data + p.header_len, data + HEAD + len - payload, payload));
		if (!err) {
			check_edited(&p, allowed, mid);
			fuzz_check(count_elements(&p) <= before + 1);
		}
	}
	media_free(&p);
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTP header extensions in their one-byte and two-byte form (RFC 8285). */
#ifndef RTPE_CORE_EXTMAP_H
#define RTPE_CORE_EXTMAP_H

#include "packet.h"

struct rtpe_element {
	u8 id;
	u8 len;			/* of data */
	const u8 *data;
};

struct rtpe_elements {
	const u8 *at, *end;
	bool two_byte;
};

/* False: p, parsed, has no header extension, or one of another kind (cryptex, an application's own). */
bool rtpe_elements_begin(struct rtpe_elements *e, const struct rtpe_packet *p);

/* The next element inside the extension. False: the end, also one that comes too soon (then e->at != e->end). */
bool rtpe_elements_next(struct rtpe_elements *e, struct rtpe_element *out);

/* The first element with this id and any data. */
bool rtpe_element_find(const struct rtpe_packet *p, u8 id, struct rtpe_element *out);

/*
 * In place: leaves only the allowed elements (NULL: all) in p, and puts the MID
 * first (NULL: none) in place of what has its id. The form stays, unless the MID
 * needs the two-byte one; a header without elements goes. Extensions of another
 * kind are left alone. -EMSGSIZE if p->room is too small, with p unchanged.
 */
int rtpe_extmap_edit(struct rtpe_packet *p, const struct rtpe_extensions *allowed, const struct rtpe_mid *mid);

/* Bytes that a packet may grow by for this MID, if none of its ids comes twice. */
u32 rtpe_extmap_growth(const struct rtpe_mid *mid);

#endif

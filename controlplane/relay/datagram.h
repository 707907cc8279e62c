/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole IP packets: finding the UDP datagram inside. */
#ifndef RTPE_RELAY_DATAGRAM_H
#define RTPE_RELAY_DATAGRAM_H

#include "../../kmod/core/packet.h"

struct rtpe_datagram {
	struct rtpe_addr src, dst;
	const u8 *payload;
	u32 len;
};

/*
 * Reads an IPv4 or IPv6 packet that holds one whole UDP datagram with a correct
 * checksum. False for all else: fragments, IPv6 extension headers, other protocols,
 * lengths that do not fit.
 */
bool rtpe_datagram_parse(struct rtpe_datagram *d, const u8 *packet, size_t len);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packets that go in circles. Two calls of one host may be pointed at each other, by
 * mistake or on purpose; a target with several outputs multiplies what comes back.
 * User space sees no TTL, so each socket knows how many of our own sockets the
 * packets that it sends have come through, for as long as it sends such.
 */
#ifndef RTPE_RELAY_HOPS_H
#define RTPE_RELAY_HOPS_H

#include "../../kmod/core/target.h"
#include "map.h"

/* How often a packet may go from one of our sockets to another (the module's SELF_HOPS). */
#define RTPE_SELF_HOPS 4

/*
 * For a packet that is to be forwarded, by an online reader: notes where it has
 * been, or refuses it, which its outputs count as an error. `s`, through which it
 * was received, may be NULL and then remembers nothing.
 */
void rtpe_hops_count(struct rtpe_socket_map *m, struct rtpe_socket *s, const struct rtpe_target *t,
		     struct rtpe_packet *p);

#endif

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sending what the core decided to forward. */
#ifndef RTPE_RELAY_TRANSMIT_H
#define RTPE_RELAY_TRANSMIT_H

#include "../../kmod/core/forward.h"
#include "socket.h"

#define RTPE_BATCH 32			/* packets handled together */
#define RTPE_DATAGRAM 65536		/* holds any UDP payload */
#define RTPE_TRAILER 512		/* what rewriting and encryption may add */

/* Distance of packet buffers: not a power of two, or they would share few cache sets. */
#define RTPE_BUFFER (RTPE_DATAGRAM + RTPE_TRAILER + 64)

/* Sends p through its outputs, which may change it. `scratch` has RTPE_BUFFER bytes. */
void rtpe_transmit(const struct rtpe_target *t, struct rtpe_packet *p, u8 *scratch);

/*
 * The same for `count` packets in their order; those that are not forwarded have no
 * outputs (first == last). `scratch` has RTPE_BUFFER bytes for each.
 */
void rtpe_transmit_batch(const struct rtpe_target *t, struct rtpe_packet *packets, u32 count, u8 *scratch);

#endif

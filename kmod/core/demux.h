/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telling the protocols apart that share a media port. */
#ifndef RTPE_CORE_DEMUX_H
#define RTPE_CORE_DEMUX_H

#include "packet.h"

/* The kind by first bytes (RFC 7983 section 7, RFC 5761 section 4); RTP is not checked further. */
enum rtpe_kind rtpe_demux(const u8 *data, u32 len);

#endif

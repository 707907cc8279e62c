/* SPDX-License-Identifier: GPL-3.0-or-later */
/* RTP and RTCP, byte by byte, in buffers that end where the packet's room ends. */
#ifndef RTPE_TEST_MEDIA_H
#define RTPE_TEST_MEDIA_H

#include "../../kmod/core/packet.h"

/* A packet in memory of its own: a write behind its room is caught. */
void media_packet(struct rtpe_packet *p, const void *data, u32 len, u32 room);
void media_free(struct rtpe_packet *p);

/* The same, to be appended to: RTP version 2 with sequence number 0x1234, timestamp 1 and SSRC "SSRC". */
struct media {
	u8 bytes[70000];
	u32 len;
};

void media_rtp(struct media *m, u8 payload_type);
void media_add(struct media *m, const void *data, u32 len);

/* A header extension, `len` bytes behind its header, padded with zeros. */
void media_extension(struct media *m, u16 profile, const void *data, u32 len);

/* An RTCP packet of these bytes behind its header, padded with zeros to whole words. */
void media_rtcp(struct media *m, u8 count, u8 type, const void *data, u32 len);

#endif

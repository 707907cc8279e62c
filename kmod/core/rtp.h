/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The RTP header (RFC 3550 section 5.1). */
#ifndef RTPE_CORE_RTP_H
#define RTPE_CORE_RTP_H

#include "packet.h"

/* Reads the header of p->data into p: 0, or -EINVAL if it is not whole RTP version 2. */
int rtpe_rtp_parse(struct rtpe_packet *p);

#endif

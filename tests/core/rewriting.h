/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rewriting whole packets in tests. */
#ifndef RTPE_TEST_REWRITING_H
#define RTPE_TEST_REWRITING_H

#include "../../kmod/core/rewrite.h"
#include "media.h"

#define BYTES(s) s, sizeof(s) - 1

/* The SSRC that four letters make. */
u32 ssrc(const char *text);

struct rtpe_rewrite *made(const struct rtpe_rewrite_parts *parts);

/* Rewrites m into m; returns what rtpe_rewrite_packet() does. */
int rewrite(const struct rtpe_rewrite_parts *parts, struct media *m);

#endif

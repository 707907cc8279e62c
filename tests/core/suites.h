/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every SRTP suite there is, with keys to try it. */
#ifndef RTPE_TEST_SUITES_H
#define RTPE_TEST_SUITES_H

#include "../../kmod/core/crypto.h"

#define SUITES 13

extern const struct suite {
	const char *name;
	u8 cipher, hmac, key_len, salt_len, rtp_tag, rtcp_tag, flags;
} suites[SUITES];

/* Names the case to check.h as well. */
struct rtpe_srtp keys_of(u32 suite, u8 mki_len);

#endif

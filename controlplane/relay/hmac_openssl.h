/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HMAC-SHA1 in user space: rtpe_cipher_ops.mac*. */
#ifndef RTPE_RELAY_HMAC_OPENSSL_H
#define RTPE_RELAY_HMAC_OPENSSL_H

#include "../../kmod/core/crypto.h"

int rtpe_hmac_open(struct rtpe_mac **out, const u8 *key, u32 key_len);
void rtpe_hmac_close(struct rtpe_mac *m);
int rtpe_hmac(struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 out[20]);

#endif

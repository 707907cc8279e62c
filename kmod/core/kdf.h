/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session keys from a master key (RFC 3711 section 4.3, RFC 6188 section 3), at rate 0. */
#ifndef RTPE_CORE_KDF_H
#define RTPE_CORE_KDF_H

#include "crypto.h"

#define RTPE_MASTER_SALT_LEN 14
#define RTPE_AUTH_KEY_LEN 20

enum rtpe_kdf_label {
	RTPE_KDF_RTP_KEY,
	RTPE_KDF_RTP_AUTH,
	RTPE_KDF_RTP_SALT,
	RTPE_KDF_RTCP_KEY,
	RTPE_KDF_RTCP_AUTH,
	RTPE_KDF_RTCP_SALT,
};

/* The cipher that rtpe_kdf_derive() takes, to be closed by the caller. */
int rtpe_kdf_open(struct rtpe_cipher **prf, const struct rtpe_cipher_ops *ops, const u8 *master_key, u32 key_len);

/* Fills out, 32 bytes at most. A salt shorter than 14 bytes is followed by zeros (RFC 7714 section 11). */
int rtpe_kdf_derive(struct rtpe_cipher *prf, const struct rtpe_cipher_ops *ops,
		    const u8 master_salt[RTPE_MASTER_SALT_LEN], enum rtpe_kdf_label label, u8 *out, u32 len);

#endif

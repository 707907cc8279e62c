// SPDX-License-Identifier: GPL-2.0-or-later
#include "kdf.h"

#define LABEL_AT 7	/* the label stands above an index of 48 bits, also for SRTCP */

int rtpe_kdf_open(struct rtpe_cipher **prf, const struct rtpe_cipher_ops *ops, const u8 *master_key, u32 key_len)
{
	u8 cipher = key_len == 16 ? RTPE_CIPHER_AES_CM_128 :
		    key_len == 24 ? RTPE_CIPHER_AES_CM_192 : RTPE_CIPHER_AES_CM_256;

	return ops->cipher_open(prf, cipher, master_key, key_len);
}

int rtpe_kdf_derive(struct rtpe_cipher *prf, const struct rtpe_cipher_ops *ops,
		    const u8 master_salt[RTPE_MASTER_SALT_LEN], enum rtpe_kdf_label label, u8 *out, u32 len)
{
	u8 iv[16] = { 0 };

	memcpy(iv, master_salt, RTPE_MASTER_SALT_LEN);
	iv[LABEL_AT] ^= (u8)label;
	memset(out, 0, len);
	return ops->ctr(prf, iv, out, len);
}

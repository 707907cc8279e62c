// SPDX-License-Identifier: GPL-3.0-or-later
#include "suites.h"
#include "check.h"

const struct suite suites[SUITES] = {
	{ "NULL", RTPE_CIPHER_NULL, RTPE_HMAC_SHA1, 16, 14, 10, 10, 0 },
	{ "AES-CM-128 80", RTPE_CIPHER_AES_CM_128, RTPE_HMAC_SHA1, 16, 14, 10, 10, 0 },
	{ "AES-CM-128 32", RTPE_CIPHER_AES_CM_128, RTPE_HMAC_SHA1, 16, 14, 4, 10, 0 },
	{ "AES-CM-192", RTPE_CIPHER_AES_CM_192, RTPE_HMAC_SHA1, 24, 14, 10, 10, 0 },
	{ "AES-CM-256", RTPE_CIPHER_AES_CM_256, RTPE_HMAC_SHA1, 32, 14, 10, 10, 0 },
	{ "AES-F8", RTPE_CIPHER_AES_F8, RTPE_HMAC_SHA1, 16, 14, 10, 10, 0 },
	{ "AES-GCM-128", RTPE_CIPHER_AES_GCM_128, RTPE_HMAC_NONE, 16, 12, 16, 16, 0 },
	{ "AES-GCM-256", RTPE_CIPHER_AES_GCM_256, RTPE_HMAC_NULL, 32, 12, 16, 16, 0 },
	{ "AES-GCM-128 UNENCRYPTED_RTCP", RTPE_CIPHER_AES_GCM_128, RTPE_HMAC_NONE, 16, 12, 16, 16,
	  RTPE_SRTP_UNENCRYPTED_RTCP },
	{ "UNENCRYPTED_RTP", RTPE_CIPHER_AES_CM_128, RTPE_HMAC_SHA1, 16, 14, 10, 10, RTPE_SRTP_UNENCRYPTED_RTP },
	{ "UNENCRYPTED_RTCP", RTPE_CIPHER_AES_CM_128, RTPE_HMAC_SHA1, 16, 14, 10, 10, RTPE_SRTP_UNENCRYPTED_RTCP },
	{ "UNAUTHENTICATED_RTP", RTPE_CIPHER_AES_CM_128, RTPE_HMAC_SHA1, 16, 14, 10, 10,
	  RTPE_SRTP_UNAUTHENTICATED_RTP },
	{ "no HMAC", RTPE_CIPHER_AES_CM_128, RTPE_HMAC_NULL, 16, 14, 0, 0, 0 },
};

struct rtpe_srtp keys_of(u32 suite, u8 mki_len)
{
	struct rtpe_srtp k = {
		.cipher = suites[suite].cipher, .hmac = suites[suite].hmac, .flags = suites[suite].flags,
		.key_len = suites[suite].key_len, .salt_len = suites[suite].salt_len,
		.rtp_tag_len = suites[suite].rtp_tag, .rtcp_tag_len = suites[suite].rtcp_tag, .mki_len = mki_len,
	};
	u32 i;

	check_case(suites[suite].name);
	for (i = 0; i < k.key_len; i++)
		k.key[i] = (u8)(3 * i + suite);
	for (i = 0; i < k.salt_len; i++)
		k.salt[i] = (u8)(7 * i + 1);
	memset(k.mki, 0xab, mki_len);
	return k;
}

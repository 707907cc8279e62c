// SPDX-License-Identifier: GPL-3.0-or-later
/* SRTP parameters: which are taken, which refused, and why. */
#include "../../controlplane/relay/cipher.h"
#include "check.h"
#include "suites.h"

TEST(srtp_parameters_that_are_refused)
{
	static const struct {
		const char *name;
		u32 suite;
		size_t at;
		u8 value;
		int error;
	} rows[] = {
#define FIELD(f) offsetof(struct rtpe_srtp, f)
		{ "no cipher", 1, FIELD(cipher), RTPE_CIPHER_NONE, -EOPNOTSUPP },
		{ "unknown cipher", 1, FIELD(cipher), 8, -EOPNOTSUPP },
		{ "no HMAC", 1, FIELD(hmac), RTPE_HMAC_NONE, -EOPNOTSUPP },
		{ "unknown HMAC", 1, FIELD(hmac), 3, -EOPNOTSUPP },
		{ "HMAC with AEAD", 6, FIELD(hmac), RTPE_HMAC_SHA1, -EOPNOTSUPP },
		{ "short key", 1, FIELD(key_len), 15, -EOPNOTSUPP },
		{ "long key", 1, FIELD(key_len), 255, -EOPNOTSUPP },
		{ "short salt", 1, FIELD(salt_len), 12, -EOPNOTSUPP },
		{ "long salt with AEAD", 6, FIELD(salt_len), 14, -EOPNOTSUPP },
		{ "no tag", 1, FIELD(rtp_tag_len), 0, -EINVAL },
		{ "long tag", 1, FIELD(rtcp_tag_len), 21, -EINVAL },
		{ "tag without HMAC", 12, FIELD(rtp_tag_len), 10, -EINVAL },
		{ "short tag with AEAD", 6, FIELD(rtp_tag_len), 8, -EINVAL },
		{ "long MKI", 1, FIELD(mki_len), 129, -EINVAL },
		{ "unknown flag", 1, FIELD(flags), 8, -EINVAL },
		{ "unauthenticated AEAD", 6, FIELD(flags), RTPE_SRTP_UNAUTHENTICATED_RTP, -EINVAL },
		{ "unencrypted AEAD", 6, FIELD(flags), RTPE_SRTP_UNENCRYPTED_RTP, -EINVAL },
		{ "behind the key", 1, FIELD(key) + 16, 1, -EINVAL },
		{ "behind the salt", 1, FIELD(salt) + 14, 1, -EINVAL },
		{ "behind the MKI", 1, FIELD(mki), 1, -EINVAL },
	};
	struct rtpe_crypto *c = NULL;
	struct rtpe_srtp keys;
	u32 i;

	for (i = 0; i < COUNT(suites); i++) {
		keys = keys_of(i, 128);
		CHECK_EQ(rtpe_crypto_check(&keys), 0);
	}
	for (i = 0; i < COUNT(rows); i++) {
		keys = keys_of(rows[i].suite, 0);
		((u8 *)&keys)[rows[i].at] = rows[i].value;
		check_case(rows[i].name);
		CHECK_EQ(rtpe_crypto_check(&keys), rows[i].error);
		CHECK_EQ(rtpe_crypto_open(&c, &rtpe_openssl_ciphers, &keys), rows[i].error);
		CHECK(!c);
	}
}

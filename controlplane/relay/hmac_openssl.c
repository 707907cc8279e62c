// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * HMAC-SHA1 (RFC 2104) from two SHA-1 states kept behind the blocks of the key. They
 * are only ever copied, so any number of threads may use them.
 *
 * OpenSSL's own HMAC allocates and copies contexts for each message, which takes as
 * long as the hashing. SHA1_*() compute in place; OpenSSL 3 calls them deprecated in
 * favour of those contexts and keeps them.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "hmac_openssl.h"

#include <openssl/sha.h>

#define INNER_PAD 0x36
#define OUTER_PAD 0x5c

struct rtpe_mac {
	SHA_CTX inner, outer;
};

static bool start(SHA_CTX *state, const u8 *key, u32 key_len, u8 pad)
{
	u8 block[SHA_CBLOCK];
	u32 i;
	bool ok;

	memset(block, pad, sizeof(block));
	for (i = 0; i < key_len; i++)
		block[i] ^= key[i];
	ok = SHA1_Init(state) && SHA1_Update(state, block, sizeof(block));
	rtpe_wipe(block, sizeof(block));
	return ok;
}

int rtpe_hmac_open(struct rtpe_mac **out, const u8 *key, u32 key_len)
{
	struct rtpe_mac *m;

	if (key_len > SHA_CBLOCK)
		return -EOPNOTSUPP;
	m = rtpe_alloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	if (!start(&m->inner, key, key_len, INNER_PAD) || !start(&m->outer, key, key_len, OUTER_PAD)) {
		rtpe_hmac_close(m);
		return -EINVAL;
	}
	*out = m;
	return 0;
}

void rtpe_hmac_close(struct rtpe_mac *m)
{
	rtpe_wipe(m, sizeof(*m));
	rtpe_free(m);
}

int rtpe_hmac(struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 out[20])
{
	SHA_CTX inner = m->inner, outer = m->outer;
	bool ok;

	ok = SHA1_Update(&inner, data, len) && (!tail || SHA1_Update(&inner, tail, 4)) && SHA1_Final(out, &inner) &&
	     SHA1_Update(&outer, out, SHA_DIGEST_LENGTH) && SHA1_Final(out, &outer);
	return ok ? 0 : -EINVAL;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Any bytes as SRTP and SRTCP. The input: suite, length of the MKI, then packets, each
 * with a byte that says what happens to it (0x01: it is protected first, 0x02: and has
 * a wrong bit then) and one with its length.
 */
#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/parse.h"
#include "../../kmod/core/srtp.h"
#include "fuzz.h"

#define GROWTH (4 + 20 + RTPE_MAX_MKI)

static const struct rtpe_srtp suites[] = {
	{ .cipher = RTPE_CIPHER_AES_CM_128, .hmac = RTPE_HMAC_SHA1, .key_len = 16, .salt_len = 14,
	  .rtp_tag_len = 4, .rtcp_tag_len = 10 },
	{ .cipher = RTPE_CIPHER_AES_F8, .hmac = RTPE_HMAC_SHA1, .key_len = 16, .salt_len = 14,
	  .rtp_tag_len = 1, .rtcp_tag_len = 20 },
	{ .cipher = RTPE_CIPHER_AES_GCM_128, .key_len = 16, .salt_len = 12, .rtp_tag_len = 16, .rtcp_tag_len = 16 },
	{ .cipher = RTPE_CIPHER_AES_GCM_256, .key_len = 32, .salt_len = 12, .rtp_tag_len = 16, .rtcp_tag_len = 16,
	  .flags = RTPE_SRTP_UNENCRYPTED_RTCP },
	{ .cipher = RTPE_CIPHER_AES_CM_256, .hmac = RTPE_HMAC_NULL, .key_len = 32, .salt_len = 14 },
	{ .cipher = RTPE_CIPHER_NULL, .hmac = RTPE_HMAC_SHA1, .key_len = 16, .salt_len = 14,
	  .rtp_tag_len = 10, .rtcp_tag_len = 10, .flags = RTPE_SRTP_UNAUTHENTICATED_RTP },
};

static struct rtpe_crypto *opened(const struct rtpe_srtp *params)
{
	struct rtpe_crypto *c;

	fuzz_check(!rtpe_crypto_open(&c, &rtpe_openssl_ciphers, params));
	return c;
}

/* In a buffer of the very size, so that nothing behind it is touched unseen. */
static void load(struct rtpe_packet *p, const u8 *data, u32 len, u32 room, u64 now_us)
{
	memset(p, 0, sizeof(*p));
	p->data = malloc(len + room ? len + room : 1);
	if (len)
		memcpy(p->data, data, len);
	p->len = len;
	p->room = room;
	p->now_us = now_us;
	rtpe_packet_parse(p);
}

static void receive(struct rtpe_crypto *c, const u8 *data, u32 len, u64 now_us)
{
	struct rtpe_packet p;
	int err;

	load(&p, data, len, 0, now_us);
	err = rtpe_crypto_unprotect(c, &p);
	fuzz_check(!err || err == -EBADMSG || err == -EALREADY || err == -EPROTO);
	fuzz_check(p.len + p.room == len);
	fuzz_check(err != -EBADMSG || (p.len == len && (!len || !memcmp(p.data, data, len))));
	fuzz_check(p.kind != RTPE_KIND_RTP || p.header_len <= p.len);
	free(p.data);
	if (err)
		return;
	load(&p, data, len, 0, now_us);		/* the same again */
	fuzz_check(rtpe_crypto_unprotect(c, &p) == -EALREADY);
	free(p.data);
}

static void protect_and_receive(struct rtpe_crypto *out, struct rtpe_crypto *in, const u8 *data, u32 len, bool spoil,
				u64 now_us)
{
	struct rtpe_packet p;
	int err;

	load(&p, data, len, GROWTH, now_us);
	err = rtpe_crypto_protect(out, &p);
	fuzz_check(!err || err == -EALREADY || err == -EPROTO);
	fuzz_check(p.len + p.room == len + GROWTH);
	if (!err && spoil)
		p.data[now_us % p.len] ^= (u8)(1 << len % 8);
	if (!err)
		receive(in, p.data, p.len, now_us);
	free(p.data);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rtpe_crypto *in, *out;
	struct rtpe_srtp params;
	u64 now_us = 1700000000000000;
	size_t at = 2, len;
	u8 what;

	if (size < 2)
		return 0;
	params = suites[data[0] % (sizeof(suites) / sizeof(suites[0]))];
	params.mki_len = data[1] % (RTPE_MAX_MKI + 1);
	in = opened(&params);
	out = opened(&params);
	while (at + 2 <= size) {
		what = data[at++];
		len = data[at++];
		if (len > size - at)
			len = size - at;
		if (what & 1)
			protect_and_receive(out, in, data + at, (u32)len, what & 2, now_us);
		else
			receive(in, data + at, (u32)len, now_us);
		at += len;
		now_us += (u64)what * 10000;	/* at times more than a second: then a roll-over is looked for */
	}
	rtpe_crypto_unref(in);
	rtpe_crypto_unref(out);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* Any bytes as a packet for ICE or DTLS: what is not there is not read. */
#include "../../controlplane/relay/sift.h"
#include "fuzz.h"
#include "media.h"

static struct rtpe_sift *expecting(void)
{
	static struct rtpe_expected e = {
		.passwords = { { 22, "a password of some kind" } }, .cookies = { 32, "a secret" },
		.fingerprints = { { 20, "a" }, { 28, "b" }, { 32, "c" }, { 64, "d" } },
	};
	static struct rtpe_sift *s;

	if (!s)
		fuzz_check(!rtpe_sift_new(&s, &e));
	return s;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rtpe_packet p;

	media_packet(&p, data, (u32)size, 0);
	for (p.kind = RTPE_KIND_STUN;; p.kind = RTPE_KIND_DTLS) {
		fuzz_check(rtpe_sift_judge(expecting(), &p) <= RTPE_WORTH_NOTHING);
		rtpe_sift_admits(expecting(), &p);
		if (p.kind == RTPE_KIND_DTLS)
			break;
	}
	media_free(&p);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* The SRTP of the core for Python: many packets in a call. */
#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/parse.h"
#include "../../kmod/core/srtp.h"

#define STRIDE 2048

struct rtpe_crypto *bulk_open(const struct rtpe_srtp *params)
{
	struct rtpe_crypto *c;

	return rtpe_crypto_open(&c, &rtpe_openssl_ciphers, params) ? NULL : c;
}

void bulk_close(struct rtpe_crypto *c)
{
	rtpe_crypto_unref(c);
}

/* Goes on with these indices: one more than the highest. */
void bulk_seed(struct rtpe_crypto *c, u32 ssrc, u64 rtp_top, u64 rtcp_top)
{
	struct rtpe_srtp_state s = { .ssrc = ssrc, .valid = 1 };

	rtpe_replay_start(&s.rtp, rtp_top);
	rtpe_replay_start(&s.rtcp, rtcp_top);
	rtpe_crypto_seed(c, &s);
}

/* In place, a packet every STRIDE bytes; status: 0 or -errno of each. */
void bulk_run(struct rtpe_crypto *c, bool protect, u32 count, u8 *packets, u32 *lengths, const u64 *times, int *status)
{
	struct rtpe_packet p;
	u32 i;

	for (i = 0; i < count; i++) {
		memset(&p, 0, sizeof(p));
		p.data = packets + (size_t)i * STRIDE;
		p.len = lengths[i];
		p.room = STRIDE - p.len;
		p.now_us = times[i];
		rtpe_packet_parse(&p);
		status[i] = (protect ? rtpe_crypto_protect : rtpe_crypto_unprotect)(c, &p);
		lengths[i] = p.len;
	}
}

// SPDX-License-Identifier: GPL-3.0-or-later
/* One SRTP context, several threads: what each packet may do once is done once. */
#include "../../controlplane/relay/cipher.h"
#include "../../kmod/core/srtp.h"
#include "check.h"
#include "media.h"
#include "support.h"

#define THREADS 4
#define PACKETS 4000
#define ROOM 64

struct crowd {
	struct rtpe_crypto *c;
	u8 packets[PACKETS][ROOM];
	u32 lengths[PACKETS];
	u32 accepted[PACKETS];
	u32 numbered[THREADS * PACKETS];
};

static struct rtpe_crypto *opened(bool aead)
{
	struct rtpe_srtp keys = srtp_keys(1);
	struct rtpe_crypto *c;

	if (aead) {
		keys.cipher = RTPE_CIPHER_AES_GCM_128;
		keys.hmac = RTPE_HMAC_NULL;
		keys.salt_len = 12;
		keys.salt[12] = keys.salt[13] = 0;
		keys.rtp_tag_len = keys.rtcp_tag_len = 16;
	}
	CHECK_EQ(rtpe_crypto_open(&c, &rtpe_openssl_ciphers, &keys), 0);
	return c;
}

static void run(void *(*work)(void *), struct crowd *crowd)
{
	pthread_t threads[THREADS];
	u32 i;

	for (i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&threads[i], NULL, work, crowd));
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Over a roll-over. */
static void prepare(struct crowd *crowd, bool aead)
{
	struct rtpe_crypto *sender = opened(aead);
	struct rtpe_packet p;
	u8 bytes[32] = { 0x80, 0, 0, 0, 0, 0, 0, 0, 'S', 'S', 'R', 'C' };
	u32 i;

	for (i = 0; i < PACKETS; i++) {
		bytes[2] = (u8)((64000 + i) >> 8);
		bytes[3] = (u8)(64000 + i);
		media_packet(&p, bytes, sizeof(bytes), 16);
		CHECK_EQ(rtpe_crypto_protect(sender, &p), 0);
		crowd->lengths[i] = p.len;
		memcpy(crowd->packets[i], p.data, p.len);
		media_free(&p);
	}
	rtpe_crypto_unref(sender);
}

/* All threads have all packets; one hands the states over to itself meanwhile. */
static void *receive(void *arg)
{
	struct rtpe_srtp_state states[RTPE_MAX_SSRCS];
	struct crowd *crowd = arg;
	struct rtpe_packet p;
	u32 i, n;

	for (i = 0; i < PACKETS; i++) {
		media_packet(&p, crowd->packets[i], crowd->lengths[i], 0);
		if (!rtpe_crypto_unprotect(crowd->c, &p))
			__atomic_fetch_add(&crowd->accepted[i], 1, __ATOMIC_RELAXED);
		media_free(&p);
		if (i % 64)
			continue;
		for (n = rtpe_crypto_states(crowd->c, states); n > 0; n--) {
			CHECK_EQ(rtpe_crypto_state_check(&states[n - 1]), 0);
			rtpe_crypto_seed(crowd->c, &states[n - 1]);
		}
	}
	return NULL;
}

TEST(srtp_threads_accept_a_packet_once)
{
	u32 i, aead;

	for (aead = 0; aead < 2; aead++) {
		struct crowd *crowd = calloc(1, sizeof(*crowd));

		prepare(crowd, aead);
		crowd->c = opened(aead);
		run(receive, crowd);
		for (i = 0; i < PACKETS; i++)
			CHECK_EQ(crowd->accepted[i], 1);
		rtpe_crypto_unref(crowd->c);
		free(crowd);
	}
}

static void *report(void *arg)
{
	struct crowd *crowd = arg;
	struct rtpe_packet p;
	u32 i, index;

	for (i = 0; i < PACKETS; i++) {
		media_packet(&p, "\x80\xc9\0\1SSRC", 8, 32);
		CHECK_EQ(rtpe_crypto_protect(crowd->c, &p), 0);
		index = rtpe_read32(p.data + 8) & 0x7fffffff;
		CHECK(index < COUNT(crowd->numbered));
		__atomic_fetch_add(&crowd->numbered[index], 1, __ATOMIC_RELAXED);
		media_free(&p);
	}
	return NULL;
}

TEST(srtp_threads_number_reports_apart)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));
	u32 i;

	crowd->c = opened(false);
	run(report, crowd);
	for (i = 0; i < COUNT(crowd->numbered); i++)
		CHECK_EQ(crowd->numbered[i], 1);
	rtpe_crypto_unref(crowd->c);
	free(crowd);
}

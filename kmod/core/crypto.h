/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SRTP and SRTCP of one direction under one master key (RFC 3711, 6188, 7714).
 *
 * The core does the protocol; ciphers come from the host, expanded once. A table
 * whose host offers none refuses every target with keys (EOPNOTSUPP): media are
 * never sent in the clear in place of encrypted.
 */
#ifndef RTPE_CORE_CRYPTO_H
#define RTPE_CORE_CRYPTO_H

#include "packet.h"

struct rtpe_cipher;
struct rtpe_mac;

/* A packet of `len` bytes, the first `clear` of them not encrypted, and what its HMAC covers behind them. */
struct rtpe_sealing {
	u8 *data;
	u32 clear, len;
	u8 iv[16], tail[4];
};

/*
 * What a host offers. Objects are used by packets on any CPU at the same time;
 * open and close may sleep, the rest may not.
 */
struct rtpe_cipher_ops {
	/* AES with a key of 16, 24 or 32 bytes, in the mode that RTPE_CIPHER_* asks for. */
	int (*cipher_open)(struct rtpe_cipher **out, u8 cipher, const u8 *key, u32 key_len);
	void (*cipher_close)(struct rtpe_cipher *c);
	/* One block, for AES-F8; out may be in. */
	void (*block)(struct rtpe_cipher *c, const u8 in[16], u8 out[16]);
	/* Counter mode in place; iv is the first counter block. */
	int (*ctr)(struct rtpe_cipher *c, const u8 iv[16], u8 *data, u32 len);
	/* AES-GCM in place, the tag of 16 bytes behind data. -EBADMSG if it is wrong; data are as they were then. */
	int (*seal)(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len);
	int (*unseal)(struct rtpe_cipher *c, const u8 iv[12], const u8 *aad, u32 aad_len, u8 *data, u32 len);
	/* HMAC-SHA1 over data and, behind it, four bytes more (or none: tail is NULL). */
	int (*mac_open)(struct rtpe_mac **out, const u8 *key, u32 key_len);
	void (*mac_close)(struct rtpe_mac *m);
	int (*mac)(struct rtpe_mac *m, const u8 *data, u32 len, const u8 tail[4], u8 out[20]);
	/* Both at a time, where that is cheaper (or NULL): counter mode, then HMAC; or counter mode if the tag is right. */
	int (*ctr_mac)(struct rtpe_cipher *c, struct rtpe_mac *m, const struct rtpe_sealing *s, u8 out[20]);
	int (*mac_ctr)(struct rtpe_cipher *c, struct rtpe_mac *m, const struct rtpe_sealing *s, const u8 *tag, u32 tag_len);
};

static __always_inline u64 rtpe_difference(const u8 *a, const u8 *b)
{
	u64 one, other;

	memcpy(&one, a, 8);
	memcpy(&other, b, 8);
	return one ^ other;
}

/* Whether bytes differ, in a time that does not tell where. Of more than eight the last may be compared twice. */
static __always_inline bool rtpe_differ(const u8 *a, const u8 *b, u32 len)
{
	u64 wrong = 0;
	u32 i;

	if (len < 8) {
		for (i = 0; i < len; i++)
			wrong |= (u64)(a[i] ^ b[i]);
		return wrong;
	}
	for (i = 0; i + 8 <= len; i += 8)
		wrong |= rtpe_difference(a + i, b + i);
	return wrong | rtpe_difference(a + len - 8, b + len - 8);
}

/* The same for tags: most have 80 bits, and those are compared without a loop. */
static inline bool rtpe_tags_differ(const u8 *a, const u8 *b, u32 len)
{
	return likely(len == 10) ? rtpe_differ(a, b, 10) : rtpe_differ(a, b, len);
}

struct rtpe_crypto;

/*
 * EINVAL: fields that mean nothing; EOPNOTSUPP: no such suite, or key lengths that
 * do not belong to it. Bytes behind the ends of key, salt and MKI are zero. Tags are
 * of 16 bytes with AEAD (hmac is NONE or NULL then), of none with HMAC NULL, else of
 * 1 to 20.
 */
int rtpe_crypto_check(const struct rtpe_srtp *params);

/* Expands the keys; the caller has one reference. Errors as above, and the host's. May sleep. */
int rtpe_crypto_open(struct rtpe_crypto **out, const struct rtpe_cipher_ops *ops, const struct rtpe_srtp *params);

/* One reference for each target or output; keys are wiped with the last one. Not by packets. */
struct rtpe_crypto *rtpe_crypto_ref(struct rtpe_crypto *c);
void rtpe_crypto_unref(struct rtpe_crypto *c);

/* Whether c was opened with these very parameters. */
bool rtpe_crypto_is(const struct rtpe_crypto *c, const struct rtpe_srtp *params);

/* Whether master key and salt are these, whatever else differs: then the state must go on too. */
bool rtpe_crypto_shares_keys(const struct rtpe_crypto *c, const struct rtpe_srtp *params);

/* Goes on with the indices of `before`. ENOMEM. */
int rtpe_crypto_follow(struct rtpe_crypto *c, struct rtpe_crypto *before);

/*
 * Of an output, whether its packets were unprotected under the same master key and salt: the sender of
 * these counts the indices of SRTCP then, or one would stand for two packets under one key.
 */
void rtpe_crypto_mirror(struct rtpe_crypto *c, const struct rtpe_crypto *opened);

/* Bytes that protecting a packet may add. */
u32 rtpe_crypto_growth(const struct rtpe_crypto *c);

/*
 * In place, RTP or RTCP by p->kind (parsed); nothing else is let through: -EPROTO.
 * No state changes before authentication. Lock-free: two CPUs may do this for the
 * same stream at once, and no index is accepted twice.
 *   -EBADMSG  too short, or the tag is wrong; data are as they were
 *   -EALREADY an index that was accepted before, or too old to tell
 */
int rtpe_crypto_unprotect(struct rtpe_crypto *c, struct rtpe_packet *p);

/* Likewise for sending, by p->room at most (-EMSGSIZE). -EALREADY: the index was sent before. */
int rtpe_crypto_protect(struct rtpe_crypto *c, struct rtpe_packet *p);

/* EINVAL: windows that no packets can have left. */
int rtpe_crypto_state_check(const struct rtpe_srtp_state *state);

/* Merges what another engine has used, checked; a new SSRC takes the place of the longest idle. */
void rtpe_crypto_seed(struct rtpe_crypto *c, const struct rtpe_srtp_state *from);

/* The states in use, at most RTPE_MAX_SSRCS; returns how many. */
u32 rtpe_crypto_states(struct rtpe_crypto *c, struct rtpe_srtp_state *out);

#endif

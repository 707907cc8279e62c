/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers published by others. All bytes in hexadecimal. */
#ifndef RTPE_SELFTEST_VECTORS_H
#define RTPE_SELFTEST_VECTORS_H

#include "../core/port.h"

/* Key stream of a session key, from its salt as the first counter block. */
struct rtpe_stream_vector {
	const char *name;
	u8 cipher;
	const char *key, *counter, *stream;
};

/* Session keys of a master key. */
struct rtpe_kdf_vector {
	const char *name;
	const char *key, *salt;
	const char *session_key, *session_auth, *session_salt;
};

/* A packet before and after. */
struct rtpe_packet_vector {
	const char *name;
	u8 cipher, hmac, flags, tag_len;
	bool rtcp;
	bool session;		/* the keys are those of the session */
	const char *key, *salt;
	const char *mask;	/* AES-F8 under a session key: the masked key */
	u64 index;
	const char *plain, *cipher_text;
};

extern const struct rtpe_stream_vector rtpe_stream_vectors[];
extern const struct rtpe_kdf_vector rtpe_kdf_vectors[];
extern const struct rtpe_packet_vector rtpe_packet_vectors[];	/* each ends where the name is NULL */

#endif

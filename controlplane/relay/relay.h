/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Python sees of the C engines. build.py reads this file too: plain C, no
 * macros but integer constants.
 *
 * Functions return 0 or a count, or a negative errno. All but rtpe_nfq_packet()
 * may be called from any thread at any time until the object is freed.
 */
#ifndef RTPE_RELAY_H
#define RTPE_RELAY_H

#include <stddef.h>
#include <stdint.h>
#include "../../kmod/uapi/rtpengine.h"

#define RTPE_EVENT_SOURCE 1
#define RTPE_EVENT_SOCKET 2

/* Something the sessions should know. */
struct rtpe_event {
	uint8_t type;		/* RTPE_EVENT_* */
	uint8_t is_rtcp;	/* SOURCE: seen in RTCP (other than APP) */
	uint16_t reserved;
	int32_t error;		/* SOCKET: errno, the socket is not served any more */
	struct rtpe_addr local;
	struct rtpe_addr src;	/* SOURCE: where the packet came from */
	uint64_t now_us;	/* Unix time in microseconds */
};

#define RTPE_HANDED_BYTES 2048

/* A packet of STUN or DTLS that a target hands up (RTPE_TARGET_STUN, RTPE_TARGET_DTLS). */
struct rtpe_handed {
	struct rtpe_addr local;
	struct rtpe_addr src;
	uint64_t now_us;	/* Unix time in microseconds */
	uint32_t len;
	uint32_t reserved;
	uint8_t data[RTPE_HANDED_BYTES];
};

#define RTPE_EXPECTED_KEYS 4
#define RTPE_COOKIE_BYTES 16

/* Of no bytes: there is none. */
struct rtpe_secret {
	uint32_t len;
	uint8_t data[64];
};

/* By what packets of a socket's party are known before they are handed up; passwords longer than that are hashed. */
struct rtpe_expected {
	struct rtpe_secret passwords[RTPE_EXPECTED_KEYS];	/* of ICE, either side's */
	struct rtpe_secret cookies;				/* the key that those of DTLS are made with */
	struct rtpe_secret fingerprints[RTPE_EXPECTED_KEYS];	/* digests; which hash, their length tells */
};

/* What happened outside any target's counters, since the start. */
struct rtpe_relay_counters {
	uint64_t strays;	/* packets for a socket without target */
	uint64_t suppressed;	/* source events and packets to be handed up, held back by the rate limit */
	uint64_t overflows;	/* events lost because nobody fetched them */
	uint64_t failures;	/* sockets that failed */
};

struct rtpe_relay;
struct rtpe_nfq;
/* A table with its commands, as uapi/rtpengine.h describes them. */
struct rtpe_engine;
/* Somebody who reads an intercepted stream. */
struct rtpe_recorder;

/* Starts `threads` packet threads, 0: one per CPU, at most four. NULL: see errno. */
struct rtpe_relay *rtpe_relay_new(unsigned threads);

/* Ends the threads and closes all sockets; statistics stay readable. */
void rtpe_relay_stop(struct rtpe_relay *r);
void rtpe_relay_free(struct rtpe_relay *r);
struct rtpe_engine *rtpe_relay_engine(struct rtpe_relay *r);

/* Binds and serves a UDP socket. EADDRINUSE, EADDRNOTAVAIL, EMFILE, EINVAL ... */
int rtpe_relay_open(struct rtpe_relay *r, const struct rtpe_addr *local, int tos);

/*
 * The port can be opened again at once; outputs that still use the socket count errors. ENOENT.
 * One time in some ten thousand Linux keeps the port of a socket that was being polled
 * until the packet thread wakes for another one (EADDRINUSE); the next port will do.
 */
int rtpe_relay_close(struct rtpe_relay *r, const struct rtpe_addr *local);

/* DSCP and ECN bits of what leaves by itself, 0 to 255; an output's own tos prevails. ENOENT, EINVAL. */
int rtpe_relay_set_tos(struct rtpe_relay *r, const struct rtpe_addr *local, int tos);

/* Sends one datagram from an open socket; counted nowhere. ENOENT. */
int rtpe_relay_send(struct rtpe_relay *r, const struct rtpe_addr *local, const struct rtpe_addr *dst,
		    const void *data, size_t len);

/*
 * Waits until the packets that have come to a socket are read, at most until that Unix time in microseconds (EBUSY).
 * Behind it, rtpe_relay_settle() waits until those read are dealt with. ENOENT.
 */
int rtpe_relay_drain(struct rtpe_relay *r, const struct rtpe_addr *local, uint64_t until_us);
void rtpe_relay_settle(struct rtpe_relay *r);

/* Let a flood of other packets for ICE and DTLS not hold up those that are expected at a socket. ENOENT, ENOMEM. */
int rtpe_relay_expect(struct rtpe_relay *r, const struct rtpe_addr *local, const struct rtpe_expected *e);

/* Readable while events wait. */
int rtpe_relay_eventfd(const struct rtpe_relay *r);

/* Fetches up to max events in their order; returns how many. */
int rtpe_relay_events(struct rtpe_relay *r, struct rtpe_event *out, int max);

/* The same for packets that are handed up: readable while some wait, and up to max of them. */
int rtpe_relay_handedfd(const struct rtpe_relay *r);
int rtpe_relay_handed(struct rtpe_relay *r, struct rtpe_handed *out, int max);
void rtpe_relay_count(struct rtpe_relay *r, struct rtpe_relay_counters *out);

/* Bytes that the replies to a batch take at the most, or why the batch as a whole is refused. */
int rtpe_engine_reply_bound(struct rtpe_engine *e, const void *batch, size_t len);

/* Carries out a batch; returns the bytes of reply. ENOSPC: reply_cap below the bound, nothing was done. */
int rtpe_engine_command(struct rtpe_engine *e, const void *batch, size_t len, void *reply, size_t reply_cap);

/* The chunk of statistics memory at an offset, valid until the engine is freed; NULL: no such chunk (yet). */
const uint8_t *rtpe_engine_memory(struct rtpe_engine *e, uint64_t offset);

/* Reads a stream by its index in this engine, also after one of the two is gone. NULL: see errno (ENOENT, EMFILE ...). */
struct rtpe_recorder *rtpe_recorder_new(struct rtpe_engine *e, uint32_t stream);
void rtpe_recorder_free(struct rtpe_recorder *r);

/* Readable while packets wait, and for ever when the stream has ended. */
int rtpe_recorder_eventfd(const struct rtpe_recorder *r);

/* The oldest packet, cut off at len: its bytes; 0: the stream has ended, EAGAIN: not yet. One thread at a time. */
int rtpe_recorder_read(struct rtpe_recorder *r, void *buf, size_t len);

/* Packets lost because they were not read in time. */
uint64_t rtpe_recorder_overflows(const struct rtpe_recorder *r);

/* Add up over `cpus` CPUs the counters of slot `slot` (0 to slots_per_chunk - 1) of a chunk of a pool. */
void rtpe_stats_fold_output(const uint8_t *chunk, uint32_t cpus, uint32_t slot, struct rtpe_counters *out);
void rtpe_stats_fold_target(const uint8_t *chunk, uint32_t cpus, uint32_t slot, struct rtpe_target_counters *out);

/* Packets and errors of these together. */
uint64_t rtpe_stats_activity_output(const uint8_t *chunk, uint32_t cpus, uint32_t slot);
uint64_t rtpe_stats_activity_target(const uint8_t *chunk, uint32_t cpus, uint32_t slot);

/* Maps the kernel module's statistics memory (its file blist) read-only; NULL: see errno. */
const uint8_t *rtpe_stats_map(int fd, uint64_t offset, size_t len);
void rtpe_stats_unmap(const uint8_t *memory, size_t len);

/* An engine that is fed whole IP packets and sends from the relay's sockets. Free it before the relay. */
struct rtpe_nfq *rtpe_nfq_new(struct rtpe_relay *r);
void rtpe_nfq_free(struct rtpe_nfq *q);
struct rtpe_engine *rtpe_nfq_engine(struct rtpe_nfq *q);

/* 1: consumed (drop it), 0: not ours (let it go on). One thread at a time. */
int rtpe_nfq_packet(struct rtpe_nfq *q, const uint8_t *packet, size_t len);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control interface of an RTP forwarding engine.
 *
 * The same bytes drive three engines: the kernel module xt_RTPENGINE (through
 * /proc/rtpengine/<id>/control), the user space relay and the NFQUEUE engine
 * (through a function call).
 *
 * FILES OF THE MODULE
 *
 *   /proc/rtpengine/control      write "add N" or "del N", N from 0 to 63
 *   /proc/rtpengine/list         the numbers of the tables, a line each
 *   /proc/rtpengine/N/control    write: a batch of records; read: its replies
 *   /proc/rtpengine/N/blist      read: a rtpe_state (with its outputs) for each
 *                                target; mmap: the statistics memory
 *   /proc/rtpengine/N/list       the same as text
 *   /proc/rtpengine/N/status     owner, number of targets
 *
 * N/control can be open once (EBUSY otherwise) and needs CAP_NET_ADMIN. When it
 * is closed, also because the daemon died, table and targets stay and go on
 * forwarding; the next daemon may adopt or flush them, or "del N" removes them.
 *
 * BATCHES
 *
 * All numbers are in host byte order; addresses, ports and SSRCs in network
 * byte order. Every structure has a multiple of 8 bytes and no implicit
 * padding; fields named reserved must be zero (EINVAL).
 *
 * One write() holds one batch: struct rtpe_batch, then `count` records. Each
 * record begins with struct rtpe_record; its `length` covers the record with
 * its header and is a multiple of 8. Records are carried out in order, each for
 * itself: one that fails does not stop the next. write() returns the length of
 * the batch, or an error if nothing was carried out:
 *
 *   EINVAL   magic, lengths or count do not fit together
 *   EPROTO   another RTPE_ABI_VERSION, or no HELLO yet on this descriptor
 *   EMSGSIZE longer than RTPE_MAX_BATCH
 *   ENOENT   the table has been deleted
 *
 * The replies, one struct rtpe_reply a record in the same order, are then read
 * with one read() from the same descriptor (the relay fills a buffer given with
 * the call). A reply has the record's cookie, a status (0 or a negative errno)
 * and, after the header, what the table below names. Unread replies are dropped
 * by the next write. read() returns 0 when there is none, EMSGSIZE when the
 * buffer is too small (the replies stay).
 *
 *   command            record after its header    reply after its header
 *   RTPE_HELLO         rtpe_hello                 rtpe_hello_reply
 *   RTPE_ADD_TARGET    rtpe_target_msg + outputs  rtpe_add_reply
 *   RTPE_DEL_TARGET    rtpe_addr                  rtpe_state + outputs
 *   RTPE_GET_TARGET    rtpe_addr                  rtpe_state + outputs
 *   RTPE_FLUSH         nothing                    nothing
 *
 * HELLO must be the first record on a descriptor. It carries the sizes of all
 * structures; if one differs the status is -EMSGSIZE and the descriptor stays
 * unusable.
 *
 * ADD_TARGET installs what is to happen to packets for one local address and
 * port. With RTPE_RECORD_REPLACE an existing target is replaced atomically: no
 * packet meets neither. Its statistics go on and its SSRC trackers stay. Each
 * `ssrc` given is merged into the tracker of that SSRC (made if need be): what
 * either has seen counts as seen, the higher sequence number holds, counters are
 * not touched. So a stream changes engines without a false gap.
 *
 *   EEXIST     target present, no RTPE_RECORD_REPLACE
 *   EINVAL     address without family or port, families of an output differ,
 *              output ranges outside the outputs, reserved fields, unknown flags
 *   ERANGE     more than RTPE_MAX_OUTPUTS / _PAYLOAD_TYPES / _SSRCS
 *   EOPNOTSUPP cipher or HMAC this engine does not have
 *   EHOSTUNREACH, ENETUNREACH  (module) no route to an output's destination
 *   EADDRNOTAVAIL (relay) no open socket on an address used
 *   ENOMEM, ENOSPC
 *
 * DEL_TARGET and GET_TARGET answer the target's counters and trackers, which is
 * what another engine needs to go on: ENOENT if there is no such target.
 *
 * STATISTICS MEMORY
 *
 * Every target and every output has a slot. Slots live in chunks; chunk c is
 * mapped read-only from N/blist at offset c * chunk_bytes. In a chunk, slot s
 * (0 .. slots_per_chunk - 1) has
 *
 *   one struct rtpe_counters per CPU   at cpu * cpu_stride + s * 64
 *   RTPE_MAX_SSRCS struct rtpe_ssrc    at ssrc_offset + s * ssrc_stride
 *
 * A CPU writes only its own counters, so a reader adds them up (last_us: the
 * largest). Values are written without locks: a reader may see one packet
 * counted in `packets` and not yet in `bytes`. A freed slot is zeroed when it is
 * given out again, and stays mapped.
 *
 * WHAT HAPPENS TO A PACKET (core/forward.c)
 *
 *   no target                                  not ours: goes on to the socket
 *   STUN / DTLS with the flag set              passed
 *   RTPE_TARGET_LEARN                          passed (relay: source reported)
 *   source is not expected_src                 by src_mismatch
 *   no outputs: RTPE_TARGET_BLACKHOLE          counted and dropped
 *   RTCP                                       to the RTCP outputs; without any: passed
 *   not RTP, RTPE_TARGET_RTP_ONLY              passed
 *   unknown payload type, RTPE_TARGET_PT_FILTER  passed
 *   else                                       to the RTP outputs; without any: passed
 *
 * "Passed" means up to the socket in the module, counted and not forwarded in
 * the relay.
 *
 * LEARNING (relay)
 *
 * A target with RTPE_TARGET_LEARN reports each change of source, and remembers
 * where its packets come from: outputs that send from its local address and have
 * RTPE_OUTPUT_FOLLOW go there, once there is such a source, and to their dst until
 * then. With RTPE_TARGET_RANK, expected_src is what the peer announced, and a
 * source has rank 0 if it is that, 1 with another port, 2 with another address, 3
 * with both. Only a source whose rank is not worse than the best so far (at first
 * best_rank) is remembered; with RTPE_MISMATCH_DROP worse ones are dropped.
 * Stray RTCP on a target for RTP teaches nothing. The module forwards nothing
 * while a target learns and refuses outputs that follow (EOPNOTSUPP).
 */
#ifndef RTPENGINE_UAPI_H
#define RTPENGINE_UAPI_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#endif
#include <linux/types.h>

#define RTPE_ABI_VERSION 1
#define RTPE_BATCH_MAGIC 0x52545045
#define RTPE_MAX_TABLES 64
#define RTPE_MAX_BATCH 1048576
#define RTPE_MAX_OUTPUTS 32
#define RTPE_MAX_PAYLOAD_TYPES 32
#define RTPE_MAX_SSRCS 8
#define RTPE_MAX_MKI 128

#define RTPE_FAMILY_NONE 0
#define RTPE_FAMILY_IP4 4
#define RTPE_FAMILY_IP6 6

/* commands */
#define RTPE_HELLO 1
#define RTPE_ADD_TARGET 2
#define RTPE_DEL_TARGET 3
#define RTPE_GET_TARGET 4
#define RTPE_FLUSH 5

/* rtpe_record.flags */
#define RTPE_RECORD_REPLACE 0x0001

/* rtpe_target_msg.flags */
#define RTPE_TARGET_RTP 0x0001		/* RTP and RTCP are recognised */
#define RTPE_TARGET_RTP_ONLY 0x0002	/* what is neither is passed */
#define RTPE_TARGET_STUN 0x0004		/* STUN is passed */
#define RTPE_TARGET_DTLS 0x0008		/* DTLS is passed */
#define RTPE_TARGET_LEARN 0x0010	/* sources are being learned */
#define RTPE_TARGET_BLACKHOLE 0x0020	/* drop what has no output */
#define RTPE_TARGET_PT_FILTER 0x0040	/* unknown payload types are passed */
#define RTPE_TARGET_RANK 0x0080		/* with LEARN: sources are ranked */
#define RTPE_TARGET_FLAGS 0x00ff

/* rtpe_output_msg.flags */
#define RTPE_OUTPUT_FOLLOW 0x0001	/* to where src's own packets come from */
#define RTPE_OUTPUT_FLAGS 0x0001

/* rtpe_target_msg.best_rank: no source seen yet */
#define RTPE_RANK_NONE 4

/* rtpe_target_msg.src_mismatch */
#define RTPE_MISMATCH_IGNORE 0
#define RTPE_MISMATCH_DROP 1
#define RTPE_MISMATCH_PASS 2

/* rtpe_srtp.cipher and .hmac; 0 in both: plain RTP */
#define RTPE_CIPHER_NONE 0
#define RTPE_CIPHER_NULL 1
#define RTPE_CIPHER_AES_CM_128 2
#define RTPE_CIPHER_AES_F8 3
#define RTPE_CIPHER_AES_CM_192 4
#define RTPE_CIPHER_AES_CM_256 5
#define RTPE_CIPHER_AES_GCM_128 6
#define RTPE_CIPHER_AES_GCM_256 7
#define RTPE_HMAC_NONE 0
#define RTPE_HMAC_NULL 1
#define RTPE_HMAC_SHA1 2

struct rtpe_batch {
	__u32 magic;		/* RTPE_BATCH_MAGIC */
	__u16 version;		/* RTPE_ABI_VERSION */
	__u16 count;		/* records that follow */
	__u32 length;		/* bytes of the whole batch */
	__u32 reserved;
};

struct rtpe_record {
	__u16 command;
	__u16 flags;
	__u32 length;		/* bytes of header and body, a multiple of 8 */
	__u64 cookie;		/* comes back in the reply */
};

struct rtpe_reply {
	__u16 command;
	__u16 reserved;
	__s32 status;		/* 0 or -errno */
	__u32 length;		/* bytes of header and body */
	__u32 reserved2;
	__u64 cookie;
};

struct rtpe_addr {
	__u16 family;		/* RTPE_FAMILY_* */
	__u16 port;		/* network byte order */
	__u32 reserved;
	__u8 ip[16];		/* network byte order; IPv4 in the first four */
};

struct rtpe_hello {
	__u16 batch_size, record_size, reply_size, addr_size;
	__u16 target_size, output_size, ssrc_size, srtp_size;
	__u16 state_size, output_state_size, counters_size, reserved;
};

struct rtpe_hello_reply {
	__u32 version;
	__u32 cpus;		/* counters per slot */
	__u32 slots_per_chunk;
	__u32 chunk_bytes;
	__u32 cpu_stride;
	__u32 ssrc_offset;
	__u32 ssrc_stride;
	__u32 targets;		/* left by a previous owner */
};

struct rtpe_srtp {
	__u8 cipher;		/* RTPE_CIPHER_* */
	__u8 hmac;		/* RTPE_HMAC_* */
	__u8 key_len;		/* bytes of master key */
	__u8 salt_len;		/* bytes of master salt */
	__u8 rtp_tag_len;
	__u8 rtcp_tag_len;
	__u8 mki_len;
	__u8 flags;
	__u8 key[32];
	__u8 salt[16];
	__u8 mki[RTPE_MAX_MKI];
};

struct rtpe_payload_type {
	__u8 number;		/* 0 to 127, ascending and unique */
	__u8 flags;
	__u16 reserved;
	__u32 clock_rate;	/* Hz; 0: unknown, no jitter */
};

/* What is known of one RTP source. All zero: unused. */
struct rtpe_ssrc {
	__u32 ssrc;		/* network byte order */
	__u8 valid;
	__u8 last_pt;
	__u16 resets;		/* sequence jumps too large to be loss */
	__u64 ext_seq;		/* highest sequence number, wraps in the upper bits */
	__u64 packets;
	__u64 bytes;		/* UDP payload */
	__u64 last_us;		/* Unix time of the last packet */
	__u32 lost_bits;	/* bit n: ext_seq - n was seen */
	__u32 lost;
	__u32 duplicates;
	__u32 reordered;
	__u32 jitter;		/* RTP timestamp units times 16 (RFC 3550 A.8) */
	__u32 transit;
	__u32 last_ts;		/* RTP timestamp */
	__u32 srtcp_index;
	__u64 reserved[2];
};

struct rtpe_counters {
	__u64 packets;		/* target: received and consumed; output: sent */
	__u64 bytes;		/* UDP payload */
	__u64 errors;
	__u64 last_us;		/* Unix time of the last packet in microseconds */
	__u64 passed;		/* target: left to user space */
	__u64 reserved[3];
};

struct rtpe_output_msg {
	struct rtpe_addr src;	/* sent from here */
	struct rtpe_addr dst;
	__u32 flags;		/* RTPE_OUTPUT_* */
	__u8 tos;
	__u8 reserved[3];
	struct rtpe_srtp encrypt;
};

/* Followed by num_outputs struct rtpe_output_msg. */
struct rtpe_target_msg {
	struct rtpe_addr local;
	struct rtpe_addr expected_src;	/* family 0: any */
	__u32 flags;		/* RTPE_TARGET_* */
	__u8 src_mismatch;	/* RTPE_MISMATCH_* */
	__u8 num_outputs;
	__u8 num_payload_types;
	__u8 num_ssrcs;
	__u8 rtp_start, rtp_end;	/* outputs of RTP, end exclusive */
	__u8 rtcp_start, rtcp_end;	/* outputs of RTCP */
	__u8 best_rank;		/* with RTPE_TARGET_RANK: 0 to 3, or RTPE_RANK_NONE */
	__u8 reserved[3];
	struct rtpe_payload_type payload_types[RTPE_MAX_PAYLOAD_TYPES];
	struct rtpe_ssrc ssrc[RTPE_MAX_SSRCS];
	struct rtpe_srtp decrypt;
};

struct rtpe_add_reply {
	__u32 slot;
	__u32 num_outputs;
	__u32 output_slots[RTPE_MAX_OUTPUTS];
};

struct rtpe_output_state {
	struct rtpe_addr src;
	struct rtpe_addr dst;
	__u32 slot;
	__u32 reserved;
	struct rtpe_counters counters;
};

/* Followed by num_outputs struct rtpe_output_state. */
struct rtpe_state {
	struct rtpe_addr local;
	struct rtpe_addr expected_src;
	__u32 length;		/* bytes, the outputs included */
	__u32 slot;
	__u32 flags;
	__u8 src_mismatch;
	__u8 num_outputs;
	__u8 reserved[2];
	struct rtpe_counters counters;
	struct rtpe_ssrc ssrc[RTPE_MAX_SSRCS];
};

_Static_assert(sizeof(struct rtpe_batch) == 16, "rtpe_batch");
_Static_assert(sizeof(struct rtpe_record) == 16, "rtpe_record");
_Static_assert(sizeof(struct rtpe_reply) == 24, "rtpe_reply");
_Static_assert(sizeof(struct rtpe_addr) == 24, "rtpe_addr");
_Static_assert(sizeof(struct rtpe_hello) == 24, "rtpe_hello");
_Static_assert(sizeof(struct rtpe_hello_reply) == 32, "rtpe_hello_reply");
_Static_assert(sizeof(struct rtpe_srtp) == 184, "rtpe_srtp");
_Static_assert(sizeof(struct rtpe_payload_type) == 8, "rtpe_payload_type");
_Static_assert(sizeof(struct rtpe_ssrc) == 88, "rtpe_ssrc");
_Static_assert(sizeof(struct rtpe_counters) == 64, "rtpe_counters");
_Static_assert(sizeof(struct rtpe_output_msg) == 240, "rtpe_output_msg");
_Static_assert(sizeof(struct rtpe_target_msg) == 64 + 256 + 704 + 184, "rtpe_target_msg");
_Static_assert(sizeof(struct rtpe_add_reply) == 136, "rtpe_add_reply");
_Static_assert(sizeof(struct rtpe_output_state) == 120, "rtpe_output_state");
_Static_assert(sizeof(struct rtpe_state) == 64 + 64 + 704, "rtpe_state");

#endif

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
 *   /proc/rtpengine/N/blist      read: a rtpe_state with its parts for each
 *                                target; mmap: the statistics memory
 *   /proc/rtpengine/N/list       the same as text
 *   /proc/rtpengine/N/status     owner, number of targets, hooks
 *   /proc/rtpengine/N/calls/CALL/STREAM   intercepted packets, one a read
 *
 * N/control can be open once (EBUSY otherwise) and needs CAP_NET_ADMIN. When it
 * is closed, also because the daemon died, table and targets stay and go on
 * forwarding (unless RTPE_OPTION_FLUSH_ON_CLOSE is set); the next daemon may
 * adopt or flush them, or "del N" removes them.
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
 *   command            record after its header     reply after its header
 *   RTPE_HELLO         rtpe_hello                  rtpe_hello_reply
 *   RTPE_ADD_TARGET    rtpe_target_msg + parts     rtpe_add_reply
 *   RTPE_DEL_TARGET    rtpe_addr                   rtpe_state + parts
 *   RTPE_GET_TARGET    rtpe_addr                   rtpe_state + parts
 *   RTPE_FLUSH         nothing                     nothing
 *   RTPE_SET_OPTIONS   rtpe_options                nothing
 *   RTPE_ADD_HOOK      rtpe_hook                   nothing
 *   RTPE_DEL_HOOK      rtpe_hook                   nothing
 *   RTPE_ADD_CALL      rtpe_name                   rtpe_index
 *   RTPE_DEL_CALL      rtpe_index                  nothing
 *   RTPE_ADD_STREAM    rtpe_stream                 rtpe_index
 *   RTPE_DEL_STREAM    rtpe_index                  nothing
 *   RTPE_PACKET        rtpe_index + data           nothing
 *
 * HELLO must be the first record on a descriptor. It carries the sizes of all
 * structures; if one differs the status is -EMSGSIZE and the descriptor stays
 * unusable. A command that an engine does not have is -EOPNOTSUPP.
 *
 * TARGETS
 *
 * ADD_TARGET installs what is to happen to packets for one local address and
 * port. After struct rtpe_target_msg come parts, each a struct rtpe_part with
 * `count` entries of one kind behind it; `length` covers part and header and is
 * a multiple of 8. A part that stands behind an RTPE_PART_OUTPUT belongs to that
 * output, up to the next one; the others belong to the target. Each kind may
 * come once for the target and once for each output.
 *
 *   part                       entries               belongs to
 *   RTPE_PART_PAYLOAD_TYPES    rtpe_payload_type     target
 *   RTPE_PART_SSRCS            rtpe_ssrc             target
 *   RTPE_PART_GROUPS           rtpe_group            target
 *   RTPE_PART_SOURCES          rtpe_addr             target with expected_src: further ones
 *   RTPE_PART_SRTP             one rtpe_srtp         target: to decrypt; output: to encrypt
 *   RTPE_PART_SRTP_STATES      rtpe_srtp_state       target or output with RTPE_PART_SRTP
 *   RTPE_PART_OUTPUT           one rtpe_output_msg   (begins an output)
 *   RTPE_PART_SSRC_MAP         rtpe_ssrc_map         output
 *   RTPE_PART_RULES            rtpe_rule             output
 *   RTPE_PART_EXTENSIONS       one rtpe_extensions   output
 *   RTPE_PART_MID              one rtpe_mid          output
 *
 * With RTPE_RECORD_REPLACE an existing target is replaced atomically: no packet
 * meets neither. Its statistics go on and its SSRC trackers stay; so does the
 * SRTP state of the target and of each output (the one with the same index and
 * src) whose keys are the same. Each rtpe_ssrc and rtpe_srtp_state given is
 * merged in (the tracker is made if need be): what either has seen counts as
 * seen, the higher number holds, counters are not touched. So a stream changes
 * engines without a false gap, and no index is sent twice.
 *
 *   EEXIST     target present, no RTPE_RECORD_REPLACE
 *   EINVAL     address without family or port, families of an output differ,
 *              output ranges outside the outputs, reserved fields, unknown flags
 *              or parts, a part in the wrong place or twice
 *   ERANGE     more than RTPE_MAX_OUTPUTS / _PAYLOAD_TYPES / _SSRCS / _GROUPS / ...
 *   EOPNOTSUPP cipher or HMAC this engine does not have, or key lengths that do
 *              not belong to them
 *   ENOENT     no such interception stream
 *   EHOSTUNREACH, ENETUNREACH  (module) no route to an output's destination
 *   EADDRNOTAVAIL (relay) no open socket on an address used
 *   ENOMEM, ENOSPC
 *
 * DEL_TARGET and GET_TARGET answer the target's counters and, as parts, its
 * trackers (RTPE_PART_SSRCS, valid ones only), payload type statistics
 * (RTPE_PART_PT_STATS, used ones only), SRTP state (RTPE_PART_SRTP_STATES) and
 * outputs (RTPE_PART_OUTPUT_STATE, each followed by its own SRTP state): what
 * another engine needs to go on can be copied from there into its ADD_TARGET.
 * ENOENT if there is no such target, ENOBUFS if it was made or replaced in the
 * same batch (nothing was done).
 *
 * SRTCP indices are counted by the sender, but for packets that came under the very
 * keys that they leave under: those keep theirs. Who hands over a stream that the old
 * engine may still send RTCP for must add RTPE_SRTCP_RESERVE to the index of
 * an output's state, so that the two never use the same one.
 *
 * HOOKS
 *
 * ADD_HOOK has the module take packets for the table from a network device of
 * the writer's namespace, before the IP stack: the fast alternative to an
 * iptables rule. It takes whole UDP datagrams to this host's link address only:
 * fragments, IP options, VLAN tags (the VLAN's device can have a hook of its own),
 * wrong headers and checksums, sources no host can have, targets on a loop or whose
 * source is this host, devices without IPv6 and everything, once IPsec has policies
 * for what comes in, go on to the stack, and so to a rule, if there is one. A reverse
 * path filter of the device is asked; the rules of PREROUTING and INPUT are not, and
 * IP's counters do not see the packet until it leaves. On the way out everything is as
 * with the rule.
 *
 * EEXIST, ENODEV, EOPNOTSUPP (kernel without netdev hooks), ENOSPC (more than
 * RTPE_MAX_HOOKS). A hook goes with the table, the device or DEL_HOOK (ENOENT),
 * not with the daemon.
 *
 * INTERCEPTION
 *
 * A stream is a queue of at most max_packets whole IP packets (payload
 * decrypted) that a recorder reads from calls/CALL/STREAM, one a read(); the
 * oldest gives way to a new one and is counted. Names have 1 to 255 bytes, no
 * "/", are not "." or ".." (EINVAL) and are unique in their call or table
 * (EEXIST). Targets name streams by index; deleting one that is in use makes
 * those copies stop. DEL never waits for a reader: it reads end of file. A call
 * takes its streams with it. Indices belong to their table (ENOENT); at most
 * RTPE_MAX_QUEUE packets wait (ERANGE). PACKET adds a whole IP packet, from which
 * padding that fills its record is cut off (EMSGSIZE: more than 65535 bytes).
 *
 * STATISTICS MEMORY
 *
 * Targets have slots in one pool, outputs in another. Slots live in chunks;
 * chunk c of a pool is mapped read-only from N/blist at offset map_offset +
 * c * chunk_bytes. In a chunk, slot s (0 .. slots_per_chunk - 1) has
 *
 *   counters, a copy per CPU   at cpu * cpu_stride + s * counters_bytes
 *   details                    at detail_offset + s * detail_stride
 *
 * A target's counters are a struct rtpe_target_counters, its details a struct
 * rtpe_details; an output's are a struct rtpe_counters and none. A CPU writes
 * only its own counters, so a reader adds them up (last_us: the largest). Values
 * are written without locks: a reader may see one packet counted in `packets`
 * and not yet in `bytes`. A freed slot is zeroed when it is given out again, and
 * stays mapped.
 *
 * WHAT HAPPENS TO A PACKET (core/forward.c)
 *
 *   no target                                  not ours: goes on to the socket
 *   STUN / DTLS with the flag set              passed (relay: not counted as received)
 *   RTPE_TARGET_LEARN                          passed (relay: source reported)
 *   source is not expected_src, nor one of RTPE_PART_SOURCES   by src_mismatch
 *   no outputs and no interception             passed; RTPE_TARGET_BLACKHOLE: dropped
 *   not RTP or RTCP, RTPE_TARGET_RTP_ONLY      passed
 *   no outputs for RTCP, no interception       passed
 *   RTPE_TARGET_SSRC_ONLY, an SSRC not among the trackers   passed, an error counted
 *   unknown payload type, RTPE_TARGET_PT_FILTER             passed
 *   SRTP that fails authentication, or a replay             dropped, an error counted
 *   else: tracked, copied to the interception streams, sent through the outputs
 *
 * "Passed" means up to the socket in the module, counted and not forwarded in
 * the relay. Which outputs: those of the group that the packet belongs to, by
 * its MID (RFC 9143), else by what its SSRC's MID was before, else by its payload
 * type, else group 0. A target without groups has one: rtp_start to rtcp_end.
 * Without RTPE_TARGET_RTP the RTP outputs take everything, as for T.38.
 *
 * An output sends a copy in which, in this order, RTPE_PART_RULES for the payload
 * type are applied, feedback is taken out (RTPE_OUTPUT_STRIP_FEEDBACK), header
 * extensions are filtered and the MID put in, SSRCs and sequence numbers are
 * replaced, and encryption is done. RTCP that must be changed but is not whole
 * packets to its end is not sent (an error). Nothing is ever sent in the clear in
 * place of encrypted, and no SRTP index twice.
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
 * Stray RTCP on a target for RTP teaches nothing, nor does what fails
 * authentication. The module forwards nothing while a target learns and refuses
 * outputs that follow (EOPNOTSUPP).
 */
#ifndef RTPENGINE_UAPI_H
#define RTPENGINE_UAPI_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#endif
#include <linux/types.h>

#define RTPE_ABI_VERSION 3
#define RTPE_BATCH_MAGIC 0x52545045
#define RTPE_MAX_TABLES 64
#define RTPE_MAX_BATCH 1048576
#define RTPE_MAX_OUTPUTS 32
#define RTPE_MAX_PAYLOAD_TYPES 32
#define RTPE_MAX_SSRCS 8
#define RTPE_MAX_GROUPS 8
#define RTPE_MAX_SOURCES 8
#define RTPE_MAX_SSRC_MAPS 32
#define RTPE_SSRC_MAP_OTHERS 0x0001
#define RTPE_SSRC_MAP_FLAGS 0x0001
#define RTPE_MAX_RULES 32
#define RTPE_MAX_PATTERN 16
#define RTPE_MAX_MKI 128
#define RTPE_MAX_MID 255
#define RTPE_MAX_HOOKS 16
#define RTPE_MAX_NAME 255
#define RTPE_MAX_QUEUE 4096

#define RTPE_FAMILY_NONE 0
#define RTPE_FAMILY_IP4 4
#define RTPE_FAMILY_IP6 6

/* commands */
#define RTPE_HELLO 1
#define RTPE_ADD_TARGET 2
#define RTPE_DEL_TARGET 3
#define RTPE_GET_TARGET 4
#define RTPE_FLUSH 5
#define RTPE_SET_OPTIONS 6
#define RTPE_ADD_HOOK 7
#define RTPE_DEL_HOOK 8
#define RTPE_ADD_CALL 9
#define RTPE_DEL_CALL 10
#define RTPE_ADD_STREAM 11
#define RTPE_DEL_STREAM 12
#define RTPE_PACKET 13

/* rtpe_record.flags */
#define RTPE_RECORD_REPLACE 0x0001

/* rtpe_part.kind */
#define RTPE_PART_PAYLOAD_TYPES 1
#define RTPE_PART_SSRCS 2
#define RTPE_PART_GROUPS 3
#define RTPE_PART_SRTP 4
#define RTPE_PART_SRTP_STATES 5
#define RTPE_PART_OUTPUT 6
#define RTPE_PART_SSRC_MAP 7
#define RTPE_PART_RULES 8
#define RTPE_PART_EXTENSIONS 9
#define RTPE_PART_MID 10
#define RTPE_PART_PT_STATS 11
#define RTPE_PART_OUTPUT_STATE 12
#define RTPE_PART_SOURCES 13

/* rtpe_target_msg.flags */
#define RTPE_TARGET_RTP 0x0001		/* RTP and RTCP are recognised */
#define RTPE_TARGET_RTP_ONLY 0x0002	/* what is neither is passed */
#define RTPE_TARGET_STUN 0x0004		/* STUN is passed */
#define RTPE_TARGET_DTLS 0x0008		/* DTLS is passed */
#define RTPE_TARGET_LEARN 0x0010	/* sources are being learned */
#define RTPE_TARGET_BLACKHOLE 0x0020	/* drop what has no output */
#define RTPE_TARGET_PT_FILTER 0x0040	/* unknown payload types are passed */
#define RTPE_TARGET_RANK 0x0080		/* with LEARN: sources are ranked */
#define RTPE_TARGET_SSRC_ONLY 0x0100	/* SSRCs without a tracker are passed */
#define RTPE_TARGET_CONSUME_FEEDBACK 0x0200	/* pure RTCP feedback is not copied to rtcp_stream */
#define RTPE_TARGET_FLAGS 0x03ff

/* rtpe_payload_type.flags */
#define RTPE_PAYLOAD_TYPE_REPORTED 0x0001	/* packets are copied to rtcp_stream, too */
#define RTPE_PAYLOAD_TYPE_FLAGS 0x0001

/* rtpe_output_msg.flags */
#define RTPE_OUTPUT_FOLLOW 0x0001	/* to where src's own packets come from */
#define RTPE_OUTPUT_STRIP_FEEDBACK 0x0002	/* RTCP goes without its feedback (RFC 4585) */
#define RTPE_OUTPUT_FLAGS 0x0003

/* rtpe_rule.flags */
#define RTPE_RULE_BLACKHOLE 0x01	/* this output does not send the payload type */
#define RTPE_RULE_FLAGS 0x01

/* rtpe_options.flags */
#define RTPE_OPTION_FLUSH_ON_CLOSE 0x0001	/* targets and interception end with the control file */
#define RTPE_OPTION_FLAGS 0x0001

/* rtpe_target_msg.best_rank: no source seen yet */
#define RTPE_RANK_NONE 4

/* rtpe_target_msg.src_mismatch */
#define RTPE_MISMATCH_IGNORE 0
#define RTPE_MISMATCH_DROP 1
#define RTPE_MISMATCH_PASS 2

/* rtpe_srtp.cipher and .hmac */
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

/* rtpe_srtp.flags (session parameters of RFC 4568 section 6.3) */
#define RTPE_SRTP_UNENCRYPTED_RTP 0x01
#define RTPE_SRTP_UNENCRYPTED_RTCP 0x02
#define RTPE_SRTP_UNAUTHENTICATED_RTP 0x04
#define RTPE_SRTP_FLAGS 0x07

/* SRTCP indices set aside for an engine that a stream is taken from */
#define RTPE_SRTCP_RESERVE 64

/* rtpe_target_counters.drops */
#define RTPE_DROP_SOURCE 0		/* not from expected_src */
#define RTPE_DROP_AUTH 1		/* bad tag, or too short to have one */
#define RTPE_DROP_REPLAY 2		/* an SRTP index seen before, or too old to tell */
#define RTPE_DROP_SSRC 3		/* not among the trackers (passed) */
#define RTPE_DROP_PAYLOAD_TYPE 4	/* unknown (passed, or forwarded and counted) */
#define RTPE_DROP_MALFORMED 5		/* no RTP or RTCP where only that can be (passed or dropped) */
#define RTPE_DROP_BLACKHOLE 6		/* consumed, as wanted */
#define RTPE_DROP_SEND 7		/* an output could not send */
#define RTPE_DROPS 8

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

struct rtpe_part {
	__u16 kind;		/* RTPE_PART_* */
	__u16 count;		/* entries that follow */
	__u32 length;		/* bytes of header and entries, a multiple of 8 */
};

struct rtpe_addr {
	__u16 family;		/* RTPE_FAMILY_* */
	__u16 port;		/* network byte order */
	__u32 reserved;
	__u8 ip[16];		/* network byte order; IPv4 in the first four */
};

struct rtpe_hello {
	__u16 batch_size, record_size, reply_size, part_size, addr_size;
	__u16 target_size, payload_type_size, ssrc_size, group_size, srtp_size, srtp_state_size;
	__u16 output_size, ssrc_map_size, rule_size, extensions_size, mid_size;
	__u16 state_size, output_state_size, target_counters_size, details_size;
};

/* Where a pool's slots lie in the statistics memory. */
struct rtpe_pool {
	__u32 slots_per_chunk;
	__u32 chunk_bytes;
	__u32 counters_bytes;
	__u32 cpu_stride;
	__u32 detail_offset;
	__u32 detail_stride;	/* 0: no details */
	__u64 map_offset;
};

struct rtpe_hello_reply {
	__u32 version;
	__u32 cpus;		/* counters per slot */
	__u32 targets;		/* left by a previous owner */
	__u32 reserved;
	struct rtpe_pool target_pool, output_pool;
};

struct rtpe_options {
	__u32 flags;		/* RTPE_OPTION_* */
	__u32 reserved;
};

struct rtpe_hook {
	char device[16];	/* ends with a zero byte */
};

struct rtpe_index {
	__u32 index;		/* never 0 */
	__u32 reserved;
};

struct rtpe_name {
	char name[RTPE_MAX_NAME + 1];	/* ends with a zero byte */
};

struct rtpe_stream {
	__u32 call;		/* index of the call */
	__u32 max_packets;	/* 0: the engine's default */
	struct rtpe_name name;
};

struct rtpe_srtp {
	__u8 cipher;		/* RTPE_CIPHER_* */
	__u8 hmac;		/* RTPE_HMAC_* */
	__u8 key_len;		/* bytes of master key */
	__u8 salt_len;		/* bytes of master salt */
	__u8 rtp_tag_len;
	__u8 rtcp_tag_len;
	__u8 mki_len;
	__u8 flags;		/* RTPE_SRTP_* */
	__u8 key[32];
	__u8 salt[16];
	__u8 mki[RTPE_MAX_MKI];
};

/*
 * Which packet indices were used. `top` is one more than the highest (0: none
 * yet). An index i has its bit i % 16 in seen[i / 16 % 16], whose upper 48 bits are
 * i / 16; a word with a lower number there knows nothing of i.
 */
struct rtpe_replay {
	__u64 top;
	__u64 seen[16];
};

/* Of one SSRC under one master key: received indices (target) or sent ones (output). */
struct rtpe_srtp_state {
	__u32 ssrc;		/* network byte order */
	__u8 valid;
	__u8 reserved[3];
	struct rtpe_replay rtp;		/* index: ROC * 65536 + sequence number */
	struct rtpe_replay rtcp;	/* index: 31 bits */
};

struct rtpe_payload_type {
	__u8 number;		/* 0 to 127, ascending and unique */
	__u8 group;		/* of packets that name none */
	__u16 flags;		/* RTPE_PAYLOAD_TYPE_* */
	__u32 clock_rate;	/* Hz; 0: unknown, no jitter */
};

/* Output ranges of one media section of a bundle; ends are exclusive. */
struct rtpe_group {
	__u8 rtp_start, rtp_end;
	__u8 rtcp_start, rtcp_end;
	__u8 mid_len;		/* 0: no MID */
	__u8 reserved[3];
	char mid[RTPE_MAX_MID + 1];	/* zero behind mid_len */
};

/* What is known of one RTP source. All zero: unused. */
#define RTPE_SSRC_VALID	1
#define RTPE_SSRC_TAKEN	2	/* by a source whose first packet is being counted: nothing else is right yet */

struct rtpe_ssrc {
	__u32 ssrc;		/* network byte order */
	__u8 valid;		/* RTPE_SSRC_*, 0: free */
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
	__u8 group;		/* 1 + the group its MID named; 0: none yet */
	__u8 reserved[3];
};

struct rtpe_pt_stats {
	__u8 number;
	__u8 used;
	__u8 reserved[6];
	__u64 packets;
	__u64 bytes;		/* UDP payload */
};

/* A target's shared statistics: as many CPUs write it as receive the stream, in practice one. */
struct rtpe_details {
	struct rtpe_ssrc ssrc[RTPE_MAX_SSRCS];
	struct rtpe_pt_stats payload_types[RTPE_MAX_PAYLOAD_TYPES];
};

struct rtpe_counters {
	__u64 packets;		/* target: received and consumed; output: sent */
	__u64 bytes;		/* UDP payload; output: before encryption */
	__u64 errors;
	__u64 last_us;		/* Unix time of the last packet in microseconds */
	__u64 passed;		/* target: left to user space; output: left out by a rule */
	__u64 reserved[3];
};

struct rtpe_target_counters {
	struct rtpe_counters sum;
	__u64 drops[RTPE_DROPS];	/* by RTPE_DROP_* */
};

struct rtpe_output_msg {
	struct rtpe_addr src;	/* sent from here */
	struct rtpe_addr dst;
	__u32 flags;		/* RTPE_OUTPUT_* */
	__u8 tos;
	__u8 reserved[3];
};

/*
 * RTP from SSRC `from` leaves with SSRC `to` and seq_offset added to its sequence
 * number; in RTCP every `from` becomes `to`, and the highest sequence number
 * reported for it moves by seq_offset as well.
 *
 * With RTPE_SSRC_MAP_OTHERS, which only the last entry may have, every SSRC that
 * has no entry of its own is combined with `to` by exclusive or; `from` and
 * seq_offset are 0. So a report about what was sent to a source arrives there
 * as one about what it has sent. In RTCP an SSRC of 0, which means none, stays.
 */
struct rtpe_ssrc_map {
	__u32 from, to;		/* network byte order */
	__u16 seq_offset;	/* modulo 65536 */
	__u16 flags;		/* RTPE_SSRC_MAP_* */
	__u16 reserved[2];
};

/* What an output does to one payload type. */
struct rtpe_rule {
	__u8 number;		/* 0 to 127, ascending and unique */
	__u8 flags;		/* RTPE_RULE_* */
	__u16 min_payload;	/* shorter payloads are left out */
	__u8 pattern_len;	/* 0: payload as it is */
	__u8 reserved[3];
	__u8 pattern[RTPE_MAX_PATTERN];	/* repeated over the payload */
};

/* The header extensions that may leave (RFC 8285); bit id % 8 of allowed[id / 8]. */
struct rtpe_extensions {
	__u8 allowed[32];
};

/* The MID that packets leave with, in place of the one they may have. */
struct rtpe_mid {
	__u8 id;		/* of the header extension, 1 to 255 but 15 */
	__u8 len;		/* 1 to RTPE_MAX_MID */
	__u8 reserved[6];
	char text[RTPE_MAX_MID + 1];	/* zero behind len */
};

/* Followed by parts. */
struct rtpe_target_msg {
	struct rtpe_addr local;
	struct rtpe_addr expected_src;	/* family 0: any */
	__u32 flags;		/* RTPE_TARGET_* */
	__u8 src_mismatch;	/* RTPE_MISMATCH_* */
	__u8 num_outputs;	/* RTPE_PART_OUTPUT that follow */
	__u8 best_rank;		/* with RTPE_TARGET_RANK: 0 to 3, or RTPE_RANK_NONE */
	__u8 mid_id;		/* header extension that carries the MID; 0: none */
	__u8 rtp_start, rtp_end;	/* outputs of RTP, end exclusive */
	__u8 rtcp_start, rtcp_end;	/* outputs of RTCP */
	__u32 stream;		/* gets a copy of every packet; 0: none */
	__u32 rtcp_stream;	/* gets a copy of RTCP, and of what is reported; 0: none */
	__u32 reserved;
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
	__u32 flags;
	struct rtpe_counters counters;
};

/* Followed by parts. */
struct rtpe_state {
	struct rtpe_addr local;
	struct rtpe_addr expected_src;
	__u32 length;		/* bytes, parts included */
	__u32 slot;
	__u32 flags;
	__u8 src_mismatch;
	__u8 num_outputs;
	__u8 reserved[2];
	struct rtpe_target_counters counters;
};

_Static_assert(sizeof(struct rtpe_batch) == 16, "rtpe_batch");
_Static_assert(sizeof(struct rtpe_record) == 16, "rtpe_record");
_Static_assert(sizeof(struct rtpe_reply) == 24, "rtpe_reply");
_Static_assert(sizeof(struct rtpe_part) == 8, "rtpe_part");
_Static_assert(sizeof(struct rtpe_addr) == 24, "rtpe_addr");
_Static_assert(sizeof(struct rtpe_hello) == 40, "rtpe_hello");
_Static_assert(sizeof(struct rtpe_pool) == 32, "rtpe_pool");
_Static_assert(sizeof(struct rtpe_hello_reply) == 80, "rtpe_hello_reply");
_Static_assert(sizeof(struct rtpe_options) == 8, "rtpe_options");
_Static_assert(sizeof(struct rtpe_hook) == 16, "rtpe_hook");
_Static_assert(sizeof(struct rtpe_index) == 8, "rtpe_index");
_Static_assert(sizeof(struct rtpe_name) == 256, "rtpe_name");
_Static_assert(sizeof(struct rtpe_stream) == 264, "rtpe_stream");
_Static_assert(sizeof(struct rtpe_srtp) == 184, "rtpe_srtp");
_Static_assert(sizeof(struct rtpe_replay) == 136, "rtpe_replay");
_Static_assert(sizeof(struct rtpe_srtp_state) == 280, "rtpe_srtp_state");
_Static_assert(sizeof(struct rtpe_payload_type) == 8, "rtpe_payload_type");
_Static_assert(sizeof(struct rtpe_group) == 264, "rtpe_group");
_Static_assert(sizeof(struct rtpe_ssrc) == 72, "rtpe_ssrc");
_Static_assert(sizeof(struct rtpe_pt_stats) == 24, "rtpe_pt_stats");
_Static_assert(sizeof(struct rtpe_details) == 8 * 72 + 32 * 24, "rtpe_details");
_Static_assert(sizeof(struct rtpe_counters) == 64, "rtpe_counters");
_Static_assert(sizeof(struct rtpe_target_counters) == 128, "rtpe_target_counters");
_Static_assert(sizeof(struct rtpe_output_msg) == 56, "rtpe_output_msg");
_Static_assert(sizeof(struct rtpe_ssrc_map) == 16, "rtpe_ssrc_map");
_Static_assert(sizeof(struct rtpe_rule) == 24, "rtpe_rule");
_Static_assert(sizeof(struct rtpe_extensions) == 32, "rtpe_extensions");
_Static_assert(sizeof(struct rtpe_mid) == 264, "rtpe_mid");
_Static_assert(sizeof(struct rtpe_target_msg) == 72, "rtpe_target_msg");
_Static_assert(sizeof(struct rtpe_add_reply) == 136, "rtpe_add_reply");
_Static_assert(sizeof(struct rtpe_output_state) == 120, "rtpe_output_state");
_Static_assert(sizeof(struct rtpe_state) == 64 + 128, "rtpe_state");

#endif

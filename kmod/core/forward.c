// SPDX-License-Identifier: GPL-2.0-or-later
#include "forward.h"
#include "parse.h"
#include "rtcp.h"
#include "ssrc.h"
#include "table.h"

#define NO_REASON (-1)

void rtpe_forward_pass(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	struct rtpe_counters *mine = &rtpe_target_counters_mine(t->counters)->sum;

	if (t->table->terminal && !rtpe_forward_is_signalling(t, p))
		rtpe_counters_add(mine, p->len, p->now_us);
	mine->passed++;
}

static void note(const struct rtpe_target *t, u32 reason)
{
	rtpe_target_counters_mine(t->counters)->drops[reason]++;
}

/* One more that went wrong, and why. */
static void fault(const struct rtpe_target *t, u32 reason)
{
	rtpe_target_counters_mine(t->counters)->sum.errors++;
	note(t, reason);
}

/* True: the packet is to be passed up, whatever it carries. */
static __always_inline bool goes_up(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	return rtpe_forward_is_signalling(t, p) || (t->flags & RTPE_TARGET_LEARN && !t->table->terminal);
}

static bool is_rtp(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	return t->flags & RTPE_TARGET_RTP && p->kind == RTPE_KIND_RTP;
}

static bool is_rtcp(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	return t->flags & RTPE_TARGET_RTP && p->kind == RTPE_KIND_RTCP;
}

/* The outputs, where they do not depend on the group. Returns whether any may take p. */
static __always_inline bool choose_outputs(const struct rtpe_target *t, struct rtpe_packet *p)
{
	p->first = is_rtcp(t, p) ? t->rtcp_start : t->rtp_start;
	p->last = is_rtcp(t, p) ? t->rtcp_end : t->rtp_end;
	return t->groups || p->first != p->last;
}

/* The queue for a copy of RTCP, if it is to have one. */
static struct rtpe_stream_queue *rtcp_stream(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	if (!t->rtcp_stream || !is_rtcp(t, p))
		return NULL;
	if (t->flags & RTPE_TARGET_CONSUME_FEEDBACK && rtpe_rtcp_is_pure_feedback(p))
		return NULL;
	return t->rtcp_stream;
}

static bool is_intercepted(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	return t->stream || (t->rtcp_stream && is_rtcp(t, p));
}

/* True for RTP of a payload type that somebody wants to hear of. */
static __always_inline bool is_reported(const struct rtpe_target *t, u32 class)
{
	return class && t->payload_types[class - 1].reported && t->rtcp_stream;
}

static void intercept(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	struct rtpe_stream_queue *rtcp = rtcp_stream(t, p);

	if (t->stream)
		rtpe_stream_put(t->stream, &t->local, p);
	if (rtcp)
		rtpe_stream_put(rtcp, &t->local, p);
}

static noinline bool is_further_source(const struct rtpe_target *t, const struct rtpe_addr *src)
{
	u32 i;

	for (i = 0; i < t->num_sources; i++)
		if (rtpe_addr_equal(&t->sources[i], src))
			return true;
	return false;
}

static __always_inline bool source_is_wrong(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	return t->expected_src.family && t->src_mismatch != RTPE_MISMATCH_IGNORE && !(t->flags & RTPE_TARGET_RANK) &&
	       !rtpe_addr_equal(&t->expected_src, &p->src) && !is_further_source(t, &p->src);
}

/* Sequence, loss and jitter of an RTP packet of `bytes`; returns its source. */
static struct rtpe_ssrc *track(const struct rtpe_target *t, const struct rtpe_packet *p, u32 class)
{
	struct rtpe_ssrc *source;
	struct rtpe_pt_stats *stats;

	source = rtpe_ssrc_track(t->details->ssrc, p, class ? t->payload_types[class - 1].clock_rate : 0);
	if (likely(class)) {
		stats = &t->details->payload_types[t->payload_types[class - 1].stats];
		stats->packets++;
		stats->bytes += p->len;
	}
	return source;
}

/* In place, nothing but that. Authentication comes before anything that changes state. */
static int decrypt(const struct rtpe_target *t, struct rtpe_packet *p)
{
	int err = rtpe_crypto_unprotect(t->decrypt, p);

	if (likely(!err))
		return 0;
	fault(t, err == -EALREADY ? RTPE_DROP_REPLAY : err == -EPROTO ? RTPE_DROP_MALFORMED : RTPE_DROP_AUTH);
	return err;
}

/* What a packet that is for us counts as, where it goes; p is plain now and had `bytes` on the wire. */
static enum rtpe_verdict consume(const struct rtpe_target *t, struct rtpe_packet *p, u32 bytes)
{
	bool rtp = is_rtp(t, p);
	u32 class = rtp ? t->pt_class[p->payload_type] : 0;
	struct rtpe_ssrc *source = NULL;

	if (unlikely(rtp && !class))
		fault(t, RTPE_DROP_PAYLOAD_TYPE);
	rtpe_counters_add(&rtpe_target_counters_mine(t->counters)->sum, bytes, p->now_us);
	if (rtp)
		source = track(t, p, class);
	if (unlikely(t->groups))
		rtpe_groups_choose(t->groups, t->details->ssrc, source, p,
				   class ? t->payload_types[class - 1].group : 0);
	if (unlikely(is_intercepted(t, p)))
		intercept(t, p);
	if (unlikely(is_reported(t, class)))
		rtpe_stream_put(t->rtcp_stream, &t->local, p);
	p->plain_len = p->len;
	if (likely(p->first != p->last))
		return RTPE_FORWARD;
	if (t->flags & RTPE_TARGET_BLACKHOLE)
		note(t, RTPE_DROP_BLACKHOLE);
	return RTPE_DROP;
}

/* RTP that goes to the outputs wherever they lead, unless its source is wrong: nothing else is asked about it. */
static __always_inline bool is_media(const struct rtpe_target *t, const struct rtpe_packet *p)
{
	const u32 asked = RTPE_TARGET_LEARN | RTPE_TARGET_SSRC_ONLY | RTPE_TARGET_PT_FILTER;

	return p->kind == RTPE_KIND_RTP && (t->flags & (RTPE_TARGET_RTP | asked)) == RTPE_TARGET_RTP &&
	       t->rtp_start != t->rtp_end;
}

/* What is not for the outputs, and the reason that is counted, if any. Changes nothing but p. */
static __always_inline enum rtpe_verdict screen(const struct rtpe_target *t, struct rtpe_packet *p, int *reason)
{
	if (likely(is_media(t, p) && !source_is_wrong(t, p))) {
		p->first = t->rtp_start;
		p->last = t->rtp_end;
		return RTPE_FORWARD;
	}
	if (goes_up(t, p))
		return RTPE_PASS;
	if (source_is_wrong(t, p)) {
		if (t->src_mismatch == RTPE_MISMATCH_DROP) {
			*reason = RTPE_DROP_SOURCE;
			return RTPE_DROP;
		}
		if (!t->table->terminal)
			return RTPE_PASS;
	}
	if (t->flags & RTPE_TARGET_RTP_ONLY && !is_rtp(t, p) && !is_rtcp(t, p)) {
		*reason = RTPE_DROP_MALFORMED;
		return RTPE_PASS;
	}
	if (!choose_outputs(t, p) && !is_intercepted(t, p) && !(t->flags & RTPE_TARGET_BLACKHOLE) &&
	    !t->table->terminal)
		return RTPE_PASS;
	if (!is_rtp(t, p))
		return RTPE_FORWARD;
	if (t->flags & RTPE_TARGET_SSRC_ONLY && !rtpe_ssrc_find(t->details->ssrc, p->ssrc)) {
		*reason = RTPE_DROP_SSRC;
		return RTPE_PASS;
	}
	if (t->flags & RTPE_TARGET_PT_FILTER && !t->pt_class[p->payload_type]) {
		*reason = RTPE_DROP_PAYLOAD_TYPE;
		return RTPE_PASS;
	}
	return RTPE_FORWARD;
}

/* Counts what screen() found. */
static noinline enum rtpe_verdict turn_away(const struct rtpe_target *t, const struct rtpe_packet *p,
					    enum rtpe_verdict verdict, int reason)
{
	if (reason == RTPE_DROP_SOURCE || reason == RTPE_DROP_SSRC)
		fault(t, reason);
	else if (reason != NO_REASON)
		note(t, reason);
	if (verdict == RTPE_PASS)
		rtpe_forward_pass(t, p);
	return verdict;
}

enum rtpe_verdict rtpe_forward_judge(const struct rtpe_target *t, struct rtpe_packet *p)
{
	int reason;

	rtpe_packet_parse(p);
	return screen(t, p, &reason);
}

enum rtpe_verdict rtpe_forward_packet(const struct rtpe_target *t, struct rtpe_packet *p)
{
	enum rtpe_verdict verdict;
	int reason = NO_REASON;
	u32 bytes = p->len;

	rtpe_packet_parse(p);
	verdict = screen(t, p, &reason);
	if (unlikely(verdict != RTPE_FORWARD))
		return turn_away(t, p, verdict, reason);
	if (t->decrypt && decrypt(t, p))
		return RTPE_DROP;
	return consume(t, p, bytes);
}

void rtpe_forward_unsent(const struct rtpe_target *t, const struct rtpe_output *o, int result)
{
	struct rtpe_counters *mine = rtpe_counters_mine(o->counters);

	if (result == RTPE_LEAVE_OUT) {
		mine->passed++;
	} else {
		mine->errors++;
		note(t, RTPE_DROP_SEND);
	}
}

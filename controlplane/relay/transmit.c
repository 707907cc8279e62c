// SPDX-License-Identifier: GPL-3.0-or-later
#include "transmit.h"

#include <sys/socket.h>

#include "address.h"
#include "../../kmod/core/table.h"

/* The output's own destination, or where its socket's packets come from if it is to follow them. */
static struct rtpe_addr destination(const struct rtpe_target *t, const struct rtpe_output *o)
{
	const struct rtpe_socket *s = o->host;
	const struct rtpe_target *there;
	struct rtpe_addr learned;

	if (likely(!(o->flags & RTPE_OUTPUT_FOLLOW)))
		return o->dst;
	there = rtpe_table_find(t->table, &o->src);
	if (!there || !(there->flags & RTPE_TARGET_LEARN) || !rtpe_peer_get(&s->peer, there->serial, &learned) ||
	    learned.family != o->dst.family)
		return o->dst;
	return learned;
}

/*
 * What leaves through an output that changes packets: p itself if no output after this one
 * needs it as it came, else *own with a copy in `scratch`.
 */
static struct rtpe_packet *copy_for(u32 index, struct rtpe_packet *p, struct rtpe_packet *own, u8 *scratch)
{
	if (likely(index + 1 == p->last))
		return p;
	*own = *p;
	own->data = memcpy(scratch, p->data, p->len);
	own->room = RTPE_TRAILER;
	return own;
}

static void send_one(const struct rtpe_target *t, u32 index, struct rtpe_packet *p, u8 *scratch)
{
	const struct rtpe_output *o = &t->outputs[index];
	struct rtpe_addr dst = destination(t, o);
	struct rtpe_packet own;
	int result = RTPE_SEND;

	if (rtpe_output_changes(o)) {
		p = copy_for(index, p, &own, scratch);
		result = rtpe_forward_output(o, p);
	}
	if (result == RTPE_SEND)
		result = rtpe_socket_send(o->host, &dst, o->tos, p->data, p->len);
	rtpe_forward_sent(t, o, p, result);
}

void rtpe_transmit(const struct rtpe_target *t, struct rtpe_packet *p, u8 *scratch)
{
	u32 i;

	for (i = p->first; i < p->last; i++)
		send_one(t, i, p, scratch);
}

/* A shortage would hit the rest as well: they are dropped, not tried one by one. */
static bool is_shortage(int err)
{
	return err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM;
}

/* Messages for one output, and the packets they were made of. */
struct batch {
	u32 count;
	const struct rtpe_packet *packets[RTPE_BATCH];
	struct mmsghdr messages[RTPE_BATCH];
	struct iovec iovs[RTPE_BATCH];
};

/* sendmmsg() until each of the messages is sent or counted as an error. */
static void send_messages(const struct rtpe_target *t, const struct rtpe_output *o, struct batch *b)
{
	const struct rtpe_socket *s = o->host;
	u32 i = 0;
	int n, err;

	while (i < b->count) {
		n = sendmmsg(s->fd, b->messages + i, b->count - i, 0);
		for (; n > 0; n--, i++)
			rtpe_forward_sent(t, o, b->packets[i], RTPE_SEND);
		if (i == b->count)
			return;
		if (n == 0)
			continue;	/* the error of the message at i comes with the next call */
		err = -errno;
		do
			rtpe_forward_sent(t, o, b->packets[i], err);
		while (++i < b->count && is_shortage(err));
	}
}

static void add_message(struct batch *b, const struct rtpe_packet *p, union rtpe_sockaddr *to, socklen_t to_len)
{
	struct iovec *iov = &b->iovs[b->count];

	*iov = (struct iovec){ .iov_base = p->data, .iov_len = p->len };
	b->messages[b->count].msg_hdr = (struct msghdr){
		.msg_name = to, .msg_namelen = to_len, .msg_iov = iov, .msg_iovlen = 1,
	};
	b->packets[b->count++] = p;
}

static bool takes(const struct rtpe_packet *p, u32 index)
{
	return index >= p->first && index < p->last;
}

static void send_batch(const struct rtpe_target *t, u32 index, struct rtpe_packet *packets, u32 count, u8 *scratch)
{
	const struct rtpe_output *o = &t->outputs[index];
	bool changes = rtpe_output_changes(o);
	struct rtpe_addr dst = destination(t, o);
	struct rtpe_packet own[RTPE_BATCH], *p;
	union rtpe_sockaddr sa;
	socklen_t sa_len = rtpe_sockaddr_from(&sa, &dst);
	struct batch b;
	int result;
	u32 i;

	for (b.count = 0, i = 0; i < count; i++) {
		p = &packets[i];
		if (!takes(p, index))
			continue;
		if (changes) {
			p = copy_for(index, p, &own[i], scratch + (size_t)i * RTPE_BUFFER);
			result = rtpe_forward_output(o, p);
			if (result != RTPE_SEND) {
				rtpe_forward_sent(t, o, p, result);
				continue;
			}
		}
		add_message(&b, p, &sa, sa_len);
	}
	send_messages(t, o, &b);
}

void rtpe_transmit_batch(const struct rtpe_target *t, struct rtpe_packet *packets, u32 count, u8 *scratch)
{
	const struct rtpe_socket *s;
	u32 i, k;

	for (i = 0; i < t->num_outputs; i++) {
		s = t->outputs[i].host;
		if (likely(t->outputs[i].tos == READ_ONCE(s->tos))) {
			send_batch(t, i, packets, count, scratch);
			continue;
		}
		for (k = 0; k < count; k++)
			if (takes(&packets[k], i))
				send_one(t, i, &packets[k], scratch);
	}
}

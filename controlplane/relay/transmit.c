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

static void send_one(const struct rtpe_target *t, const struct rtpe_output *o, const struct rtpe_packet *p,
		     u8 *scratch)
{
	struct rtpe_addr dst = destination(t, o);
	struct rtpe_packet own;
	int result = RTPE_SEND;

	if (rtpe_output_changes(o)) {
		own = *p;
		own.data = memcpy(scratch, p->data, p->len);
		own.room = RTPE_TRAILER;
		result = rtpe_forward_output(o, &own);
		p = &own;
	}
	if (result == RTPE_SEND)
		result = rtpe_socket_send(o->host, &dst, o->tos, p->data, p->len);
	rtpe_forward_sent(t, o, p, result);
}

void rtpe_transmit(const struct rtpe_target *t, const struct rtpe_packet *p, u8 *scratch)
{
	u32 i;

	for (i = p->first; i < p->last; i++)
		send_one(t, &t->outputs[i], p, scratch);
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

static void send_batch(const struct rtpe_target *t, u32 index, const struct rtpe_packet *packets, u32 count)
{
	const struct rtpe_output *o = &t->outputs[index];
	struct rtpe_addr dst = destination(t, o);
	union rtpe_sockaddr sa;
	socklen_t sa_len = rtpe_sockaddr_from(&sa, &dst);
	struct batch b;
	u32 i;

	for (b.count = 0, i = 0; i < count; i++) {
		if (index < packets[i].first || index >= packets[i].last)
			continue;
		b.packets[b.count] = &packets[i];
		b.iovs[b.count] = (struct iovec){ .iov_base = packets[i].data, .iov_len = packets[i].len };
		b.messages[b.count].msg_hdr = (struct msghdr){
			.msg_name = &sa, .msg_namelen = sa_len, .msg_iov = &b.iovs[b.count], .msg_iovlen = 1,
		};
		b.count++;
	}
	send_messages(t, o, &b);
}

/* Packets that need work of their own for this output, or come alone, go one by one. */
static bool goes_singly(const struct rtpe_output *o, u32 count)
{
	const struct rtpe_socket *s = o->host;

	return count == 1 || rtpe_output_changes(o) || o->tos != READ_ONCE(s->tos);
}

void rtpe_transmit_batch(const struct rtpe_target *t, const struct rtpe_packet *packets, u32 count, u8 *scratch)
{
	u32 i, k;

	for (i = 0; i < t->num_outputs; i++) {
		const struct rtpe_output *o = &t->outputs[i];

		if (!goes_singly(o, count)) {
			send_batch(t, i, packets, count);
			continue;
		}
		for (k = 0; k < count; k++)
			if (i >= packets[k].first && i < packets[k].last)
				send_one(t, o, &packets[k], scratch);
	}
}

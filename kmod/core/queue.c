// SPDX-License-Identifier: GPL-2.0-or-later
#include "queue.h"

#define IP4_HEADER 20
#define IP6_HEADER 40
#define UDP_HEADER 8
#define PROTOCOL_UDP 17
#define TTL 64

struct rtpe_stream_queue *rtpe_stream_new(const struct rtpe_queue_ops *ops, u32 max_packets)
{
	struct rtpe_stream_queue *q = rtpe_alloc(sizeof(*q));

	if (!q)
		return NULL;
	rtpe_ref_init(&q->refs);
	q->ops = ops;
	q->max_packets = max_packets;
	rtpe_lock_init(&q->lock);
	return q;
}

void rtpe_stream_ref(struct rtpe_stream_queue *q)
{
	rtpe_ref_get(&q->refs);
}

/* Under q->lock. */
static struct rtpe_copy *pop(struct rtpe_stream_queue *q)
{
	struct rtpe_copy *c = q->first;

	if (c) {
		q->first = c->next;
		q->count--;
	}
	return c;
}

void rtpe_stream_unref(struct rtpe_stream_queue *q)
{
	struct rtpe_copy *c;

	if (!rtpe_ref_put(&q->refs))
		return;
	while ((c = pop(q)))
		rtpe_free(c);
	rtpe_lock_exit(&q->lock);
	if (q->ops->freed)
		q->ops->freed(q->host);
	rtpe_free(q);
}

static void wake(struct rtpe_stream_queue *q)
{
	if (q->ops->wake)
		q->ops->wake(q);
}

/* Under q->lock. Takes over c; returns what falls out: the oldest, or c itself after the end. */
static struct rtpe_copy *push(struct rtpe_stream_queue *q, struct rtpe_copy *c)
{
	struct rtpe_copy *lost = NULL;

	if (q->ended)
		return c;
	if (q->count == q->max_packets) {
		lost = pop(q);
		q->overflows++;
	}
	c->next = NULL;
	if (q->first)
		q->last->next = c;
	else
		q->first = c;
	q->last = c;
	q->count++;
	return lost;
}

static void put(struct rtpe_stream_queue *q, struct rtpe_copy *c)
{
	rtpe_lock(&q->lock);
	c = push(q, c);
	rtpe_unlock(&q->lock);
	rtpe_free(c);
	wake(q);
}

/* NULL: there is no memory, which is counted, or nobody would see the copy. */
static struct rtpe_copy *new_copy(struct rtpe_stream_queue *q, u32 len)
{
	struct rtpe_copy *c;

	if (READ_ONCE(q->ended))
		return NULL;
	c = len > RTPE_MAX_PACKET ? NULL : rtpe_alloc_atomic(sizeof(*c) + len);
	if (c) {
		c->len = len;
	} else {
		rtpe_lock(&q->lock);
		q->overflows++;
		rtpe_unlock(&q->lock);
	}
	return c;
}

static void write16(u8 *at, u32 value)
{
	at[0] = (u8)(value >> 8);
	at[1] = (u8)value;
}

/* A one's complement sum in memory order, of what begins at an even place (RFC 1071). */
static u64 add_bytes(u64 sum, const u8 *data, u32 len)
{
	u32 word;
	u16 half;

	for (; len >= 4; len -= 4, data += 4) {
		memcpy(&word, data, 4);
		sum += word;
	}
	if (len & 2) {
		memcpy(&half, data, 2);
		sum += half;
		data += 2;
	}
	if (len & 1) {
		half = 0;
		memcpy(&half, data, 1);
		sum += half;
	}
	return sum;
}

static void write_checksum(u8 *at, u64 sum)
{
	u16 check;

	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	check = (u16)~sum;
	memcpy(at, &check, 2);
}

/* With the pseudo header; zero would mean that there is none. */
static void write_udp(u8 *udp, u32 len, u64 addresses, const struct rtpe_addr *src, const struct rtpe_addr *dst)
{
	u8 pseudo[4] = { 0, PROTOCOL_UDP, (u8)(len >> 8), (u8)len };

	memcpy(udp, &src->port, 2);
	memcpy(udp + 2, &dst->port, 2);
	write16(udp + 4, len);
	write16(udp + 6, 0);
	write_checksum(udp + 6, add_bytes(add_bytes(addresses, pseudo, 4), udp, len));
	if (!udp[6] && !udp[7])
		write16(udp + 6, 0xffff);
}

static void write_ip4(u8 *ip, u32 len, const struct rtpe_addr *src, const struct rtpe_addr *dst)
{
	memset(ip, 0, IP4_HEADER);
	ip[0] = 0x45;
	write16(ip + 2, len);
	ip[8] = TTL;
	ip[9] = PROTOCOL_UDP;
	memcpy(ip + 12, src->ip, 4);
	memcpy(ip + 16, dst->ip, 4);
	write_checksum(ip + 10, add_bytes(0, ip, IP4_HEADER));
	write_udp(ip + IP4_HEADER, len - IP4_HEADER, add_bytes(0, ip + 12, 8), src, dst);
}

static void write_ip6(u8 *ip, u32 len, const struct rtpe_addr *src, const struct rtpe_addr *dst)
{
	memset(ip, 0, IP6_HEADER);
	ip[0] = 0x60;
	write16(ip + 4, len - IP6_HEADER);
	ip[6] = PROTOCOL_UDP;
	ip[7] = TTL;
	memcpy(ip + 8, src->ip, 16);
	memcpy(ip + 24, dst->ip, 16);
	write_udp(ip + IP6_HEADER, len - IP6_HEADER, add_bytes(0, ip + 8, 32), src, dst);
}

void rtpe_stream_put(struct rtpe_stream_queue *q, const struct rtpe_addr *local, const struct rtpe_packet *p)
{
	bool is_ip6 = local->family == RTPE_FAMILY_IP6;
	u32 headers = (is_ip6 ? IP6_HEADER : IP4_HEADER) + UDP_HEADER;
	struct rtpe_copy *c = new_copy(q, headers + p->len);

	if (!c)
		return;
	memcpy(c->data + headers, p->data, p->len);
	if (is_ip6)
		write_ip6(c->data, c->len, &p->src, local);
	else
		write_ip4(c->data, c->len, &p->src, local);
	put(q, c);
}

void rtpe_stream_put_bytes(struct rtpe_stream_queue *q, const void *data, u32 len)
{
	struct rtpe_copy *c = new_copy(q, len);

	if (!c)
		return;
	memcpy(c->data, data, len);
	put(q, c);
}

void rtpe_stream_end(struct rtpe_stream_queue *q)
{
	rtpe_lock(&q->lock);
	WRITE_ONCE(q->ended, true);
	rtpe_unlock(&q->lock);
	wake(q);
}

struct rtpe_copy *rtpe_stream_take(struct rtpe_stream_queue *q)
{
	struct rtpe_copy *c;

	rtpe_lock(&q->lock);
	c = pop(q);
	rtpe_unlock(&q->lock);
	return c;
}

bool rtpe_stream_waiting(struct rtpe_stream_queue *q)
{
	return READ_ONCE(q->count);
}

bool rtpe_stream_ended(struct rtpe_stream_queue *q)
{
	return READ_ONCE(q->ended);
}

u64 rtpe_stream_overflows(struct rtpe_stream_queue *q)
{
	u64 n;

	rtpe_lock(&q->lock);
	n = q->overflows;
	rtpe_unlock(&q->lock);
	return n;
}

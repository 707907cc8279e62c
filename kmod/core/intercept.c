// SPDX-License-Identifier: GPL-2.0-or-later
#include "intercept.h"
#include "table.h"

#define BUCKETS 16384		/* made with the first call */
#define SLOT_BITS 18		/* of an index; above is how often its slot was given out */
#define SLOT_MASK ((1u << SLOT_BITS) - 1)
#define FIRST_SLOTS 16
#define NO_SLOT (~0u)

/* A call, or a stream in one. */
struct named {
	struct named *next;		/* in the bucket */
	struct named *call;		/* NULL: this is a call */
	struct named *streams;		/* of a call */
	struct named *sibling;		/* next stream of the same call */
	u32 index;
	u32 bucket;
	void *host;			/* of a call */
	struct rtpe_stream_queue *queue;	/* of a stream */
	char text[];
};

struct slot {
	struct named *named;	/* NULL: free */
	u32 generation;
	u32 next_free;
};

struct index_space {
	struct slot *slots;
	u32 size, limit, used;
	u32 free;		/* first free slot, or NO_SLOT */
};

struct rtpe_intercept {
	const struct rtpe_intercept_ops *ops;
	struct named **buckets;
	struct index_space calls, streams;
	u64 lost;		/* in streams that are gone */
};

static int space_grow(struct index_space *s)
{
	u32 size = s->size ? s->size * 2 : FIRST_SLOTS;
	struct slot *slots;

	if (s->size == s->limit)
		return -ENOSPC;
	slots = rtpe_alloc(size * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	if (s->size)
		memcpy(slots, s->slots, s->size * sizeof(*slots));
	rtpe_free(s->slots);
	s->slots = slots;
	while (size-- > s->size) {
		slots[size].next_free = s->free;
		s->free = size;
	}
	s->size = s->size ? s->size * 2 : FIRST_SLOTS;
	return 0;
}

static int space_take(struct index_space *s, struct named *n)
{
	int err = s->free == NO_SLOT ? space_grow(s) : 0;
	struct slot *slot;

	if (err)
		return err;
	slot = &s->slots[s->free];
	slot->named = n;
	slot->generation = (slot->generation + 1) & (~0u >> SLOT_BITS);
	slot->generation += !slot->generation;	/* no index is 0 */
	n->index = slot->generation << SLOT_BITS | s->free;
	s->free = slot->next_free;
	s->used++;
	return 0;
}

static void space_give(struct index_space *s, const struct named *n)
{
	u32 at = n->index & SLOT_MASK;

	s->slots[at].named = NULL;
	s->slots[at].next_free = s->free;
	s->free = at;
	s->used--;
}

static struct named *space_find(const struct index_space *s, u32 index)
{
	u32 at = index & SLOT_MASK;
	struct named *n = at < s->size ? s->slots[at].named : NULL;

	return n && n->index == index ? n : NULL;
}

int rtpe_intercept_init(struct rtpe_intercept **out, const struct rtpe_intercept_ops *ops)
{
	struct rtpe_intercept *i = rtpe_alloc(sizeof(*i));

	*out = i;
	if (!i)
		return -ENOMEM;
	i->ops = ops;
	i->calls.limit = RTPE_MAX_CALLS;
	i->streams.limit = RTPE_MAX_STREAMS;
	i->calls.free = i->streams.free = NO_SLOT;
	return 0;
}

/* Its length; 0: not a name (uapi/rtpengine.h). */
static u32 name_len(const struct rtpe_name *name)
{
	u32 len;

	for (len = 0; len < sizeof(name->name) && name->name[len]; len++)
		if (name->name[len] == '/')
			return 0;
	if (len == sizeof(name->name) || (name->name[0] == '.' && (len == 1 || (len == 2 && name->name[1] == '.'))))
		return 0;
	return len;
}

static u32 bucket_of(const struct named *call, const char *text)
{
	u32 h = call ? call->index : 0;

	while (*text)
		h = (h ^ (u8)*text++) * 0x01000193;
	return (h ^ h >> 16) % BUCKETS;
}

static struct named *find(const struct rtpe_intercept *i, const struct named *call, const char *text)
{
	struct named *n = i->buckets[bucket_of(call, text)];

	while (n && (n->call != call || strcmp(n->text, text)))
		n = n->next;
	return n;
}

/* One that nobody sees yet. EINVAL, EEXIST, ENOMEM, ENOSPC. */
static int make(struct rtpe_intercept *i, struct index_space *space, struct named *call, const struct rtpe_name *name,
		struct named **out)
{
	u32 len = name_len(name);
	struct named *n;
	int err;

	if (!len)
		return -EINVAL;
	if (!i->buckets)
		i->buckets = rtpe_alloc(BUCKETS * sizeof(*i->buckets));
	if (!i->buckets)
		return -ENOMEM;
	if (find(i, call, name->name))
		return -EEXIST;
	n = rtpe_alloc(sizeof(*n) + len + 1);
	if (!n)
		return -ENOMEM;
	n->call = call;
	memcpy(n->text, name->name, len);
	n->bucket = bucket_of(call, n->text);
	err = space_take(space, n);
	if (err)
		rtpe_free(n);
	*out = n;
	return err;
}

static void unmake(struct index_space *space, struct named *n)
{
	space_give(space, n);
	rtpe_free(n);
}

static void publish(struct rtpe_intercept *i, struct named *n)
{
	n->next = i->buckets[n->bucket];
	i->buckets[n->bucket] = n;
	if (n->call) {
		n->sibling = n->call->streams;
		n->call->streams = n;
	}
}

static void withdraw(struct rtpe_intercept *i, struct named *n)
{
	struct named **at = &i->buckets[n->bucket];

	while (*at != n)
		at = &(*at)->next;
	*at = n->next;
	if (!n->call)
		return;
	for (at = &n->call->streams; *at != n; at = &(*at)->sibling)
		;
	*at = n->sibling;
}

int rtpe_call_add(struct rtpe_table *t, const struct rtpe_name *name, u32 *index)
{
	struct rtpe_intercept *i = t->intercept;
	struct named *n;
	int err = make(i, &i->calls, NULL, name, &n);

	if (err)
		return err;
	if (i->ops->call_added)
		err = i->ops->call_added(t, n->text, &n->host);
	if (err) {
		unmake(&i->calls, n);
		return err;
	}
	publish(i, n);
	*index = n->index;
	return 0;
}

static int open_queue(struct rtpe_table *t, struct named *n, u32 max_packets)
{
	const struct rtpe_intercept_ops *ops = t->intercept->ops;
	int err = 0;

	if (!max_packets)
		max_packets = ops->stream_packets ? ops->stream_packets : RTPE_STREAM_PACKETS;
	n->queue = rtpe_stream_new(&ops->queue, max_packets);
	if (!n->queue)
		return -ENOMEM;
	if (ops->stream_added)
		err = ops->stream_added(t, n->call->host, n->text, n->queue);
	if (err)
		rtpe_stream_unref(n->queue);
	return err;
}

int rtpe_stream_add(struct rtpe_table *t, const struct rtpe_stream *stream, u32 *index)
{
	struct rtpe_intercept *i = t->intercept;
	struct named *call = space_find(&i->calls, stream->call), *n;
	int err;

	if (!call)
		return -ENOENT;
	if (stream->max_packets > RTPE_MAX_QUEUE)
		return -ERANGE;
	err = make(i, &i->streams, call, &stream->name, &n);
	if (err)
		return err;
	err = open_queue(t, n, stream->max_packets);
	if (err) {
		unmake(&i->streams, n);
		return err;
	}
	publish(i, n);
	*index = n->index;
	return 0;
}

/* Readers are woken first: the host may have to wait until they have left. */
static void remove_stream(struct rtpe_table *t, struct named *n)
{
	struct rtpe_intercept *i = t->intercept;

	withdraw(i, n);
	rtpe_stream_end(n->queue);
	if (i->ops->stream_removed)
		i->ops->stream_removed(t, n->queue);
	i->lost += rtpe_stream_overflows(n->queue);
	rtpe_stream_unref(n->queue);
	unmake(&i->streams, n);
}

int rtpe_stream_del(struct rtpe_table *t, u32 index)
{
	struct named *n = space_find(&t->intercept->streams, index);

	if (!n)
		return -ENOENT;
	remove_stream(t, n);
	return 0;
}

static void remove_call(struct rtpe_table *t, struct named *n)
{
	struct rtpe_intercept *i = t->intercept;

	while (n->streams)
		remove_stream(t, n->streams);
	withdraw(i, n);
	if (i->ops->call_removed)
		i->ops->call_removed(t, n->host);
	unmake(&i->calls, n);
}

int rtpe_call_del(struct rtpe_table *t, u32 index)
{
	struct named *n = space_find(&t->intercept->calls, index);

	if (!n)
		return -ENOENT;
	remove_call(t, n);
	return 0;
}

void rtpe_intercept_clear(struct rtpe_table *t)
{
	struct rtpe_intercept *i = t->intercept;
	u32 n;

	for (n = 0; i && n < i->calls.size; n++)
		if (i->calls.slots[n].named)
			remove_call(t, i->calls.slots[n].named);
}

void rtpe_intercept_exit(struct rtpe_table *t)
{
	struct rtpe_intercept *i = t->intercept;

	if (!i)
		return;
	rtpe_intercept_clear(t);
	rtpe_free(i->calls.slots);
	rtpe_free(i->streams.slots);
	rtpe_free(i->buckets);
	rtpe_free(i);
	t->intercept = NULL;
}

void rtpe_intercept_count(const struct rtpe_table *t, struct rtpe_intercept_totals *out)
{
	const struct rtpe_intercept *i = t->intercept;
	u32 n;

	memset(out, 0, sizeof(*out));
	if (!i)
		return;
	out->calls = i->calls.used;
	out->streams = i->streams.used;
	out->lost = i->lost;
	for (n = 0; n < i->streams.size; n++)
		if (i->streams.slots[n].named)
			out->lost += rtpe_stream_overflows(i->streams.slots[n].named->queue);
}

/* Records have whole words: what the IP header says ends the packet, if only padding follows. */
static u32 without_padding(const u8 *data, u32 len)
{
	u32 said = len;

	if (data[0] >> 4 == 4 && len >= 20)
		said = rtpe_read16(data + 2);
	else if (data[0] >> 4 == 6 && len >= 40)
		said = 40u + rtpe_read16(data + 4);
	return said <= len && len - said < 8 ? said : len;
}

int rtpe_stream_put_raw(struct rtpe_table *t, u32 index, const void *data, u32 len)
{
	struct named *n = space_find(&t->intercept->streams, index);

	if (!n)
		return -ENOENT;
	if (!len)
		return -EINVAL;
	len = without_padding(data, len);
	if (len > RTPE_MAX_PACKET)
		return -EMSGSIZE;
	rtpe_stream_put_bytes(n->queue, data, len);
	return 0;
}

struct rtpe_stream_queue *rtpe_stream_get(struct rtpe_table *t, u32 index)
{
	struct named *n = t->intercept ? space_find(&t->intercept->streams, index) : NULL;

	if (n)
		rtpe_stream_ref(n->queue);
	return n ? n->queue : NULL;
}

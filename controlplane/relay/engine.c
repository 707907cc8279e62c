// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine.h"

#include "cipher.h"
#include "recorder.h"

static struct rtpe_engine *engine_of(struct rtpe_table *t)
{
	return container_of(t, struct rtpe_engine, table);
}

static int target_check(struct rtpe_table *t, const struct rtpe_addr *local)
{
	struct rtpe_engine *e = engine_of(t);
	struct rtpe_socket *s;

	if (!e->owns_sockets)
		return 0;
	s = rtpe_socket_map_get(e->sockets, local);
	if (!s)
		return -EADDRNOTAVAIL;
	rtpe_socket_unref(s);
	return 0;
}

static int output_init(struct rtpe_target *t, struct rtpe_output *o)
{
	o->host = rtpe_socket_map_get(engine_of(t->table)->sockets, &o->src);
	return o->host ? 0 : -EADDRNOTAVAIL;
}

static void output_release(struct rtpe_output *o)
{
	if (o->host)
		rtpe_socket_unref(o->host);
}

static const struct rtpe_host_ops host_ops = {
	.target_check = target_check,
	.output_init = output_init,
	.output_release = output_release,
};

int rtpe_engine_init(struct rtpe_engine *e, struct rtpe_socket_map *sockets, u32 threads, bool owns_sockets)
{
	int err = rtpe_table_init(&e->table, &host_ops, threads);

	if (err)
		return err;
	err = rtpe_intercept_init(&e->table.intercept, &rtpe_recorder_ops);
	if (err) {
		rtpe_table_exit(&e->table);
		return err;
	}
	e->table.ciphers = &rtpe_openssl_ciphers;
	e->table.terminal = owns_sockets;
	e->owner.greeted = false;
	e->sockets = sockets;
	e->owns_sockets = owns_sockets;
	pthread_mutex_init(&e->lock, NULL);
	rtpe_reader_register(&e->reader);
	return 0;
}

void rtpe_engine_exit(struct rtpe_engine *e)
{
	rtpe_reader_unregister(&e->reader);
	rtpe_table_flush(&e->table);
	rtpe_reclaim_all();
	rtpe_intercept_exit(&e->table);
	rtpe_table_exit(&e->table);
	pthread_mutex_destroy(&e->lock);
}

/* For the core, which reads records in place. NULL: no memory. */
static const void *aligned(const void *batch, size_t len, void **copy)
{
	*copy = NULL;
	if (!((uintptr_t)batch & 7))
		return batch;
	*copy = malloc(len);
	return *copy ? memcpy(*copy, batch, len) : NULL;
}

static int reply_bound(struct rtpe_engine *e, const void *batch, size_t len)
{
	if (len > RTPE_MAX_BATCH)
		return -EMSGSIZE;
	return rtpe_command_check(&e->table, &e->owner, batch, (u32)len);
}

static int command(struct rtpe_engine *e, const void *batch, size_t len, void *reply, size_t reply_cap)
{
	int bound = reply_bound(e, batch, len), written;

	if (bound < 0)
		return bound;
	if ((size_t)bound > reply_cap)
		return -ENOSPC;
	rtpe_reader_online(&e->reader);
	written = (int)rtpe_command_run(&e->table, &e->owner, batch, reply);
	rtpe_reader_offline(&e->reader);
	return written;
}

int rtpe_engine_reply_bound(struct rtpe_engine *e, const void *batch, size_t len)
{
	void *copy;
	int bound;

	batch = aligned(batch, len, &copy);
	if (!batch)
		return -ENOMEM;
	pthread_mutex_lock(&e->lock);
	bound = reply_bound(e, batch, len);
	pthread_mutex_unlock(&e->lock);
	free(copy);
	return bound;
}

int rtpe_engine_command(struct rtpe_engine *e, const void *batch, size_t len, void *reply, size_t reply_cap)
{
	void *copy;
	int written;

	batch = aligned(batch, len, &copy);
	if (!batch)
		return -ENOMEM;
	/* First what the last command left, so that its slots can be given out again. */
	rtpe_reclaim();
	pthread_mutex_lock(&e->lock);
	written = command(e, batch, len, reply, reply_cap);
	pthread_mutex_unlock(&e->lock);
	rtpe_reclaim();
	free(copy);
	return written;
}

const uint8_t *rtpe_engine_memory(struct rtpe_engine *e, uint64_t offset)
{
	u32 bytes;

	return rtpe_table_memory(&e->table, offset, &bytes);
}

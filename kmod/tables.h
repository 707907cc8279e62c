/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbered tables of this host and their life. */
#ifndef RTPE_TABLES_H
#define RTPE_TABLES_H

#include <linux/mutex.h>
#include <linux/pid.h>
#include "core/command.h"

struct proc_dir_entry;

/*
 * `core` is read by packets under RCU; everything else, and every change of
 * `core`, is under `lock`. The files below /proc hold no reference: removing
 * them waits for calls under way and makes later ones fail with EIO.
 */
struct rtpe_ktable {
	struct rtpe_table core;
	u32 id;
	struct proc_dir_entry *dir, *calls;
	struct list_head hooks;		/* see ingress.c */
	struct mutex lock;
	bool dead;			/* being deleted: cannot be opened any more */
	struct pid *owner_pid;		/* who opened the control file; NULL: closed */
	struct rtpe_owner owner;
	void *reply;			/* of the last batch, not yet read */
	u32 reply_len;
};

extern struct rtpe_ktable __rcu *rtpe_ktables[RTPE_MAX_TABLES];

/* EEXIST, ENOMEM, ENXIO (the module is being unloaded). */
int rtpe_ktable_add(u32 id);

/* ENOENT, EBUSY (its control file is open). Waits for packets and readers under way. */
int rtpe_ktable_del(u32 id);

/* For one packet, inside rcu_read_lock(). NULL: no such table. */
static inline struct rtpe_ktable *rtpe_ktable_get(u32 id)
{
	return rcu_dereference(rtpe_ktables[id]);
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files below /proc/rtpengine. */
#ifndef RTPE_PROCFS_H
#define RTPE_PROCFS_H

#include <linux/proc_fs.h>
#include "tables.h"

/* Entries with the configured owner; NULL: no memory. */
struct proc_dir_entry *rtpe_procfs_mkdir(struct proc_dir_entry *parent, const char *name, umode_t mode);
struct proc_dir_entry *rtpe_procfs_file(struct proc_dir_entry *parent, const char *name, umode_t mode,
					const struct proc_ops *ops, void *data);

/* The directory of a table: 0, or -ENOMEM with nothing left behind. */
int rtpe_procfs_add(struct rtpe_ktable *kt);

/* Waits for calls under way and closes what is open. May sleep. */
void rtpe_procfs_remove(struct rtpe_ktable *kt);

extern const struct proc_ops rtpe_control_ops;	/* command.c */
extern const struct proc_ops rtpe_blist_ops;	/* shm.c */
extern const struct proc_ops rtpe_list_ops;	/* listing.c */
extern const struct proc_ops rtpe_status_ops;

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of loading, in order; each exit undoes its init. */
#ifndef RTPE_MODULE_H
#define RTPE_MODULE_H

#include <linux/init.h>

/* defer.c: freeing what packets may still see. */
int rtpe_defer_init(void);
void rtpe_defer_exit(void);
/* Waits until everything handed to rtpe_defer() so far has been freed. May sleep. */
void rtpe_defer_drain(void);

/* intercept.c: EINVAL for parameters that make no sense. The exit waits for whoever polls. */
int rtpe_intercept_files_init(void);
void rtpe_intercept_files_exit(void);

/* procfs.c */
int rtpe_procfs_init(void);
void rtpe_procfs_exit(void);

/* ingress.c */
int rtpe_ingress_init(void);
void rtpe_ingress_exit(void);

/* xt.c */
int rtpe_xt_init(void);
void rtpe_xt_exit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets taken at a network device's ingress hook, before the IP stack, in place
 * of the iptables rule. Fragments, VLAN-tagged frames (they come again from the
 * VLAN's own device), IP options, what is not addressed to this host's link
 * address, sources that no host can have, what only this host sends itself and
 * whatever IPsec has a say in are left to the stack, and so to the rule, if there is
 * one. Where the device has a reverse path filter its judgement is asked for; rules
 * of PREROUTING and INPUT are not.
 */
#ifndef RTPE_INGRESS_H
#define RTPE_INGRESS_H

#include <linux/seq_file.h>
#include "tables.h"

/* rtpe_host_ops.hook_add and .hook_del, in the network namespace of the caller. Under the table's lock. */
int rtpe_ingress_add(struct rtpe_table *t, const char *device);
int rtpe_ingress_del(struct rtpe_table *t, const char *device);

/* rtpe_host_ops.is_inner: the stack lets in from no device what is for such a target. */
bool rtpe_ingress_is_inner(const struct rtpe_target *t);

/* All of a table, which nobody can add to any more. Packets may be under way until the next grace period. */
void rtpe_ingress_clear(struct rtpe_ktable *kt);

/* A line of `status` with the names of the devices. */
void rtpe_ingress_show(struct seq_file *seq, const struct rtpe_ktable *kt);

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/capability.h>
#include <linux/module.h>
#include <linux/netfilter/x_tables.h>
#include <linux/netfilter_ipv4.h>
#include "module.h"
#include "receive.h"
#include "xt_RTPENGINE.h"

static unsigned int target_ip4(struct sk_buff *skb, const struct xt_action_param *par)
{
	const struct xt_rtpengine_info *info = par->targinfo;
	const struct rtpe_ktable *kt = rtpe_ktable_get(info->id);
	unsigned int verdict = likely(kt) ? rtpe_receive_ip4(kt, skb, xt_net(par)) : NF_ACCEPT;

	return verdict == NF_ACCEPT ? XT_CONTINUE : verdict;
}

#if IS_ENABLED(CONFIG_IPV6)
static unsigned int target_ip6(struct sk_buff *skb, const struct xt_action_param *par)
{
	const struct xt_rtpengine_info *info = par->targinfo;
	const struct rtpe_ktable *kt = rtpe_ktable_get(info->id);
	unsigned int verdict = likely(kt) ? rtpe_receive_ip6(kt, skb, xt_net(par)) : NF_ACCEPT;

	return verdict == NF_ACCEPT ? XT_CONTINUE : verdict;
}
#endif

/*
 * Table and hook are checked by x_tables itself, from the fields below. Tables are
 * the host's: who rules a network namespace only may not lead packets into them.
 */
static int check(const struct xt_tgchk_param *par)
{
	const struct xt_rtpengine_info *info = par->targinfo;

	if (!capable(CAP_NET_ADMIN))
		return -EPERM;
	if (info->id < RTPE_MAX_TABLES)
		return 0;
	pr_info_ratelimited("table %u does not exist: at most %u\n", info->id, RTPE_MAX_TABLES - 1);
	return -EINVAL;
}

#define RTPE_XT(fam, fn) {					\
	.name = "RTPENGINE",					\
	.family = fam,						\
	.target = fn,						\
	.checkentry = check,					\
	.targetsize = sizeof(struct xt_rtpengine_info),		\
	.table = "filter",					\
	.hooks = 1 << NF_INET_LOCAL_IN,				\
	.me = THIS_MODULE,					\
}

static struct xt_target targets[] __read_mostly = {
	RTPE_XT(NFPROTO_IPV4, target_ip4),
#if IS_ENABLED(CONFIG_IPV6)
	RTPE_XT(NFPROTO_IPV6, target_ip6),
#endif
};

int __init rtpe_xt_init(void)
{
	return xt_register_targets(targets, ARRAY_SIZE(targets));
}

void rtpe_xt_exit(void)
{
	xt_unregister_targets(targets, ARRAY_SIZE(targets));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/if_vlan.h>
#include <linux/netdevice.h>
#include <linux/netfilter.h>
#include <linux/netfilter_netdev.h>
#include <linux/nsproxy.h>
#include <linux/rculist.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/route.h>
#include "ingress.h"
#include "module.h"
#include "receive.h"

/*
 * One device and one table, in the list of each. Lists change under RTNL, as
 * devices do, so a device is never gone before its hooks are.
 */
struct ingress {
	struct list_head in_table;	/* rtpe_ktable.hooks */
	struct list_head in_all;
	struct nf_hook_ops ops;		/* .priv: the table */
	struct rcu_head rcu;
};

static LIST_HEAD(all);

static unsigned int take(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (unlikely(skb->pkt_type != PACKET_HOST || skb_vlan_tag_present(skb) || skb_shared(skb)))
		return NF_ACCEPT;
	if (skb->protocol == htons(ETH_P_IP))
		return rtpe_receive_early_ip4(priv, skb, state->net);
	if (skb->protocol == htons(ETH_P_IPV6))
		return rtpe_receive_early_ip6(priv, skb, state->net);
	return NF_ACCEPT;
}

static struct rtpe_ktable *ktable_of(struct rtpe_table *t)
{
	return container_of(t, struct rtpe_ktable, core);
}

static struct ingress *find(const struct rtpe_ktable *kt, const struct net_device *dev)
{
	struct ingress *h;

	list_for_each_entry(h, &kt->hooks, in_table)
		if (h->ops.dev == dev)
			return h;
	return NULL;
}

static bool is_full(const struct rtpe_ktable *kt)
{
	const struct ingress *h;
	u32 n = 0;

	list_for_each_entry(h, &kt->hooks, in_table)
		n++;
	return n >= RTPE_MAX_HOOKS;
}

static int hook(struct rtpe_ktable *kt, struct net_device *dev)
{
	struct ingress *h;
	int err;

	if (find(kt, dev))
		return -EEXIST;
	if (is_full(kt))
		return -ENOSPC;
	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	h->ops.hook = take;
	h->ops.dev = dev;
	h->ops.priv = kt;
	h->ops.pf = NFPROTO_NETDEV;
	h->ops.hooknum = NF_NETDEV_INGRESS;
	err = nf_register_net_hook(dev_net(dev), &h->ops);
	if (err) {
		kfree(h);
		return err;
	}
	list_add_tail_rcu(&h->in_table, &kt->hooks);
	list_add_tail(&h->in_all, &all);
	return 0;
}

static void unhook(struct ingress *h)
{
	nf_unregister_net_hook(dev_net(h->ops.dev), &h->ops);
	list_del_rcu(&h->in_table);
	list_del(&h->in_all);
	kfree_rcu(h, rcu);
}

int rtpe_ingress_add(struct rtpe_table *t, const char *device)
{
	struct net_device *dev;
	int err = -ENODEV;

	if (!IS_ENABLED(CONFIG_NETFILTER_INGRESS))
		return -EOPNOTSUPP;
	rtnl_lock();
	dev = __dev_get_by_name(current->nsproxy->net_ns, device);
	if (dev)
		err = hook(ktable_of(t), dev);
	rtnl_unlock();
	return err;
}

int rtpe_ingress_del(struct rtpe_table *t, const char *device)
{
	struct net_device *dev;
	struct ingress *h = NULL;

	rtnl_lock();
	dev = __dev_get_by_name(current->nsproxy->net_ns, device);
	if (dev)
		h = find(ktable_of(t), dev);
	if (h)
		unhook(h);
	rtnl_unlock();
	return h ? 0 : -ENOENT;
}

static bool is_own(struct net *net, const struct rtpe_addr *a)
{
	__be32 ip;

	memcpy(&ip, a->ip, sizeof(ip));
	return a->family == RTPE_FAMILY_IP4 && inet_addr_type(net, ip) == RTN_LOCAL;
}

/* Loops; and addresses that hold on one link, which need not be that of the device. */
static bool is_narrow(const struct rtpe_addr *a)
{
	if (a->family == RTPE_FAMILY_IP4)
		return a->ip[0] == 127;
	return ipv6_addr_type((const void *)a->ip) & (IPV6_ADDR_LOOPBACK | IPV6_ADDR_LINKLOCAL);
}

/*
 * The stack takes no packet from outside that has one of our own IPv4 addresses as its
 * source. Here not every packet is asked: anybody may send to a target without a
 * source, and of others it is known when they come whether that is one of ours.
 */
bool rtpe_ingress_is_inner(const struct rtpe_target *t)
{
	struct net *net = current->nsproxy->net_ns;
	bool inner = is_narrow(&t->local) || is_own(net, &t->expected_src);
	u32 i;

	for (i = 0; i < t->num_sources; i++)
		inner |= is_own(net, &t->sources[i]);
	return inner;
}

void rtpe_ingress_clear(struct rtpe_ktable *kt)
{
	struct ingress *h, *next;

	rtnl_lock();
	list_for_each_entry_safe(h, next, &kt->hooks, in_table)
		unhook(h);
	rtnl_unlock();
}

void rtpe_ingress_show(struct seq_file *seq, const struct rtpe_ktable *kt)
{
	const struct ingress *h;

	seq_puts(seq, "Hooks:      ");
	rcu_read_lock();
	list_for_each_entry_rcu(h, &kt->hooks, in_table)
		seq_printf(seq, " %s", h->ops.dev->name);
	rcu_read_unlock();
	seq_putc(seq, '\n');
}

/* Also for a device that moves to another namespace, and for each of one that ends. */
static int device_event(struct notifier_block *nb, unsigned long event, void *info)
{
	const struct net_device *dev = netdev_notifier_info_to_dev(info);
	struct ingress *h, *next;

	if (event != NETDEV_UNREGISTER)
		return NOTIFY_DONE;
	list_for_each_entry_safe(h, next, &all, in_all)
		if (h->ops.dev == dev)
			unhook(h);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = {
	.notifier_call = device_event,
};

int __init rtpe_ingress_init(void)
{
	return register_netdevice_notifier(&notifier);
}

/* Each hook belonged to a table, and each table is gone. */
void rtpe_ingress_exit(void)
{
	unregister_netdevice_notifier(&notifier);
}

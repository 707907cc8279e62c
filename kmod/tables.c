// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/module.h>
#include <linux/slab.h>
#include "crypto_kernel.h"
#include "ingress.h"
#include "intercept.h"
#include "tables.h"
#include "module.h"
#include "procfs.h"
#include "route.h"

struct rtpe_ktable __rcu *rtpe_ktables[RTPE_MAX_TABLES];

static const struct rtpe_host_ops host_ops = {
	.output_init = rtpe_route_init,
	.output_release = rtpe_route_release,
	.is_inner = rtpe_ingress_is_inner,
	.hook_add = rtpe_ingress_add,
	.hook_del = rtpe_ingress_del,
};

static DEFINE_MUTEX(tables_mutex);	/* adding and deleting */

static struct rtpe_ktable *owned(u32 id)
{
	return rcu_dereference_protected(rtpe_ktables[id], lockdep_is_held(&tables_mutex));
}

static int create(u32 id)
{
	struct rtpe_ktable *kt;
	int err;

	kt = kzalloc(sizeof(*kt), GFP_KERNEL_ACCOUNT);
	if (!kt)
		return -ENOMEM;
	kt->id = id;
	mutex_init(&kt->lock);
	INIT_LIST_HEAD(&kt->hooks);
	err = rtpe_table_init(&kt->core, &host_ops, nr_cpu_ids);
	if (err)
		goto err_free;
	kt->core.ciphers = &rtpe_kernel_ciphers;
	err = rtpe_intercept_init(&kt->core.intercept, &rtpe_intercept_ops);
	if (err)
		goto err_table;
	err = rtpe_procfs_add(kt);
	if (err)
		goto err_intercept;
	rcu_assign_pointer(rtpe_ktables[id], kt);
	return 0;

err_intercept:
	rtpe_intercept_exit(&kt->core);
err_table:
	rtpe_table_exit(&kt->core);
err_free:
	kfree(kt);
	return err;
}

int rtpe_ktable_add(u32 id)
{
	int err;

	if (!try_module_get(THIS_MODULE))
		return -ENXIO;
	mutex_lock(&tables_mutex);
	err = owned(id) ? -EEXIST : create(id);
	mutex_unlock(&tables_mutex);
	if (err)
		module_put(THIS_MODULE);
	return err;
}

/* After this no control file of the table can be opened. */
static int condemn(struct rtpe_ktable *kt)
{
	int err = 0;

	mutex_lock(&kt->lock);
	if (kt->owner_pid)
		err = -EBUSY;
	else
		kt->dead = true;
	mutex_unlock(&kt->lock);
	return err;
}

/* The order matters: no new reader, no reader left, no packet left, no target left. Who waits for packets is woken. */
static void destroy(struct rtpe_ktable *kt)
{
	RCU_INIT_POINTER(rtpe_ktables[kt->id], NULL);
	mutex_lock(&kt->lock);
	rtpe_intercept_clear(&kt->core);
	mutex_unlock(&kt->lock);
	rtpe_procfs_remove(kt);
	rtpe_ingress_clear(kt);
	synchronize_rcu();
	rtpe_table_flush(&kt->core);
	rtpe_defer_drain();
	rtpe_intercept_exit(&kt->core);
	rtpe_table_exit(&kt->core);
	kfree(kt);
}

int rtpe_ktable_del(u32 id)
{
	struct rtpe_ktable *kt;
	int err = -ENOENT;

	mutex_lock(&tables_mutex);
	kt = owned(id);
	if (kt)
		err = condemn(kt);
	if (!err)
		destroy(kt);
	mutex_unlock(&tables_mutex);
	if (!err)
		module_put(THIS_MODULE);
	return err;
}

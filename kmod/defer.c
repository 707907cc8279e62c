// SPDX-License-Identifier: GPL-2.0-or-later
#include <linux/workqueue.h>
#include "core/port.h"
#include "module.h"

static struct workqueue_struct *queue;

static void run(struct work_struct *work)
{
	struct rtpe_deferred *d = container_of(to_rcu_work(work), struct rtpe_deferred, work);

	d->fn(d);
}

void rtpe_defer(struct rtpe_deferred *d, void (*fn)(struct rtpe_deferred *d))
{
	d->fn = fn;
	INIT_RCU_WORK(&d->work, run);
	queue_rcu_work(queue, &d->work);
}

void rtpe_defer_drain(void)
{
	rcu_barrier();	/* what was deferred is now in the queue */
	flush_workqueue(queue);
}

int __init rtpe_defer_init(void)
{
	queue = alloc_workqueue("rtpengine", WQ_UNBOUND, 0);
	return queue ? 0 : -ENOMEM;
}

void rtpe_defer_exit(void)
{
	rtpe_defer_drain();
	destroy_workqueue(queue);
}

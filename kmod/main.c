// SPDX-License-Identifier: GPL-2.0-or-later
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include "crypto_kernel.h"
#include "module.h"
#include "route.h"
#include "selftest/selftest.h"

#ifdef RTPE_SELFTEST
static int __init selftest(void)
{
	const char *wrong = rtpe_selftest_srtp(&rtpe_kernel_ciphers);

	if (!wrong)
		wrong = rtpe_selftest_srtp(&rtpe_plain_ciphers);
	if (!wrong)
		return 0;
	pr_err("self-test failed, not loaded: %s\n", wrong);
	return -ELIBBAD;
}
#else
static int __init selftest(void)
{
	return 0;
}
#endif

static int __init rtpe_module_init(void)
{
	int err;

	rtpe_crypto_kernel_init();
	err = selftest();
	if (err)
		return err;
	err = rtpe_defer_init();
	if (err)
		return err;
	err = rtpe_intercept_files_init();
	if (err)
		goto err_defer;
	err = rtpe_routes_init();
	if (err)
		goto err_intercept;
	err = rtpe_procfs_init();
	if (err)
		goto err_routes;
	err = rtpe_ingress_init();
	if (err)
		goto err_procfs;
	err = rtpe_xt_init();
	if (err)
		goto err_ingress;
	return 0;

err_ingress:
	rtpe_ingress_exit();
err_procfs:
	rtpe_procfs_exit();
err_routes:
	rtpe_routes_exit();
err_intercept:
	rtpe_intercept_files_exit();
err_defer:
	rtpe_defer_exit();
	return err;
}

/* Each table holds a reference to the module, so none is left here. */
static void __exit rtpe_module_exit(void)
{
	rtpe_xt_exit();
	rtpe_ingress_exit();
	rtpe_procfs_exit();
	rtpe_defer_exit();
	rtpe_routes_exit();
	rtpe_intercept_files_exit();
}

module_init(rtpe_module_init);
module_exit(rtpe_module_exit);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Forwarding of RTP media streams");
MODULE_INFO(rtpengine_abi, __stringify(RTPE_ABI_VERSION));	/* for those who can only see the file */
MODULE_ALIAS("ipt_RTPENGINE");
MODULE_ALIAS("ip6t_RTPENGINE");

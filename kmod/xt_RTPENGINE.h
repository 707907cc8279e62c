/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an iptables rule with -j RTPENGINE carries, revision 0. */
#ifndef XT_RTPENGINE_H
#define XT_RTPENGINE_H

#include <linux/types.h>

struct xt_rtpengine_info {
	__u32 id;	/* number of the table */
};

#endif

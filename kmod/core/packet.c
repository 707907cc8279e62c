// SPDX-License-Identifier: GPL-2.0-or-later
#include "packet.h"

bool rtpe_addr_valid(const struct rtpe_addr *a)
{
	static const u8 zero[12];

	if (!a->port || a->reserved)
		return false;
	if (a->family == RTPE_FAMILY_IP4)
		return !memcmp(a->ip + 4, zero, sizeof(zero));
	return a->family == RTPE_FAMILY_IP6;
}

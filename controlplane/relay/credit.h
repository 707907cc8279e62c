/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How often something may happen: so many times at once, then once an interval. */
#ifndef RTPE_RELAY_CREDIT_H
#define RTPE_RELAY_CREDIT_H

#include "../../kmod/core/port.h"

/* Zeroed, it is full, for it was never used. */
struct rtpe_credit {
	u64 us;			/* each time costs an interval */
	u64 refilled_us;
};

/* True: it may happen now, and is paid for. */
static inline bool rtpe_credit_pay(struct rtpe_credit *c, u64 now_us, u64 burst, u64 interval_us)
{
	u64 full = burst * interval_us;
	/* The clock may have been set back: then nothing is refilled this time. */
	u64 elapsed = now_us > c->refilled_us ? now_us - c->refilled_us : 0;

	c->us = elapsed < full - c->us ? c->us + elapsed : full;
	c->refilled_us = now_us;
	if (c->us < interval_us)
		return false;
	c->us -= interval_us;
	return true;
}

#endif

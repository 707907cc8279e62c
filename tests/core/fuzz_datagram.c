// SPDX-License-Identifier: GPL-3.0-or-later
/* Any bytes as a packet from a netfilter queue. */
#include "../../controlplane/relay/datagram.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct rtpe_datagram d;
	u8 *exact = malloc(size ? size : 1);

	if (size)
		memcpy(exact, data, size);
	if (rtpe_datagram_parse(&d, exact, size)) {
		fuzz_check(d.src.family == d.dst.family);
		fuzz_check(d.payload >= exact + 28 && d.payload + d.len <= exact + size);
	}
	free(exact);
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the addresses of the control interface and those of the socket calls. */
#ifndef RTPE_RELAY_ADDRESS_H
#define RTPE_RELAY_ADDRESS_H

#include <netinet/in.h>

#include "../../kmod/core/packet.h"

union rtpe_sockaddr {
	struct sockaddr any;
	struct sockaddr_in in4;
	struct sockaddr_in6 in6;
};

/* Returns the length to hand to the socket call. */
static inline socklen_t rtpe_sockaddr_from(union rtpe_sockaddr *to, const struct rtpe_addr *from)
{
	if (from->family == RTPE_FAMILY_IP4) {
		memset(&to->in4, 0, sizeof(to->in4));
		to->in4.sin_family = AF_INET;
		to->in4.sin_port = from->port;
		memcpy(&to->in4.sin_addr, from->ip, 4);
		return sizeof(to->in4);
	}
	memset(&to->in6, 0, sizeof(to->in6));
	to->in6.sin6_family = AF_INET6;
	to->in6.sin6_port = from->port;
	memcpy(&to->in6.sin6_addr, from->ip, 16);
	return sizeof(to->in6);
}

static inline void rtpe_addr_from(struct rtpe_addr *to, const union rtpe_sockaddr *from)
{
	memset(to, 0, sizeof(*to));
	if (from->any.sa_family == AF_INET) {
		to->family = RTPE_FAMILY_IP4;
		to->port = from->in4.sin_port;
		memcpy(to->ip, &from->in4.sin_addr, 4);
	} else {
		to->family = RTPE_FAMILY_IP6;
		to->port = from->in6.sin6_port;
		memcpy(to->ip, &from->in6.sin6_addr, 16);
	}
}

#endif

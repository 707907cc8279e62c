// SPDX-License-Identifier: GPL-3.0-or-later
#include "datagram.h"

#include <netinet/in.h>

#define IP4_HEADER 20
#define IP6_HEADER 40
#define UDP_HEADER 8
#define IP4_FRAGMENT 0x3fff		/* more fragments, or an offset */

/* One's complement sum of 16-bit words (RFC 1071), on top of `sum`. */
static u32 add_words(u32 sum, const u8 *data, u32 len)
{
	u64 total = sum;

	for (; len >= 4; data += 4, len -= 4)
		total += rtpe_read32(data);
	if (len >= 2) {
		total += rtpe_read16(data);
		data += 2;
		len -= 2;
	}
	if (len)
		total += (u32)data[0] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (u32)total;
}

/* `addresses`: source and destination as they lie in the IP header. */
static bool udp_is_valid(const u8 *addresses, u32 addresses_len, const u8 *udp, u32 udp_len, bool may_lack_sum)
{
	u32 sum = IPPROTO_UDP + udp_len;

	if (!rtpe_read16(udp + 6))
		return may_lack_sum;
	sum = add_words(sum, addresses, addresses_len);
	return add_words(sum, udp, udp_len) == 0xffff;
}

static void set_address(struct rtpe_addr *a, u16 family, const u8 *ip, u32 ip_len, const u8 *port)
{
	memset(a, 0, sizeof(*a));
	a->family = family;
	memcpy(a->ip, ip, ip_len);
	memcpy(&a->port, port, sizeof(a->port));
}

/* `ip`: source address, then destination address, each `ip_len` bytes. */
static bool read_udp(struct rtpe_datagram *d, u16 family, const u8 *ip, u32 ip_len, const u8 *udp, u32 room)
{
	u32 len;

	if (room < UDP_HEADER)
		return false;
	len = rtpe_read16(udp + 4);
	if (len < UDP_HEADER || len > room || !udp_is_valid(ip, 2 * ip_len, udp, len, family == RTPE_FAMILY_IP4))
		return false;
	set_address(&d->src, family, ip, ip_len, udp);
	set_address(&d->dst, family, ip + ip_len, ip_len, udp + 2);
	d->payload = udp + UDP_HEADER;
	d->len = len - UDP_HEADER;
	return true;
}

static bool read_ip4(struct rtpe_datagram *d, const u8 *ip, size_t len)
{
	u32 header, total;

	if (len < IP4_HEADER)
		return false;
	header = (ip[0] & 0x0f) * 4;
	total = rtpe_read16(ip + 2);
	if (header < IP4_HEADER || total < header || total > len || ip[9] != IPPROTO_UDP ||
	    rtpe_read16(ip + 6) & IP4_FRAGMENT)
		return false;
	return read_udp(d, RTPE_FAMILY_IP4, ip + 12, 4, ip + header, total - header);
}

static bool read_ip6(struct rtpe_datagram *d, const u8 *ip, size_t len)
{
	u32 payload;

	if (len < IP6_HEADER)
		return false;
	payload = rtpe_read16(ip + 4);
	if (payload > len - IP6_HEADER || ip[6] != IPPROTO_UDP)
		return false;
	return read_udp(d, RTPE_FAMILY_IP6, ip + 8, 16, ip + IP6_HEADER, payload);
}

bool rtpe_datagram_parse(struct rtpe_datagram *d, const u8 *packet, size_t len)
{
	if (!len)
		return false;
	if (packet[0] >> 4 == 4)
		return read_ip4(d, packet, len);
	if (packet[0] >> 4 == 6)
		return read_ip6(d, packet, len);
	return false;
}

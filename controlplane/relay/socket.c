// SPDX-License-Identifier: GPL-3.0-or-later
#include "socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"

/* Half a second of video or ten seconds of audio, should a thread be held up. The system's limit prevails. */
#define RECEIVE_BUFFER (1 << 19)

struct setting {
	int level, name, value;
};

/*
 * The sockets are not connected and do not ask for IP_RECVERR: an ICMP error never
 * makes one fail. DF is not set, so that a datagram too large for a link on the way
 * is fragmented, as it would be by the sender.
 */
static const struct setting ip4_settings[] = {
	{ SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER },
	{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT },
};

static const struct setting ip6_settings[] = {
	{ SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER },
	{ IPPROTO_IPV6, IPV6_V6ONLY, 1 },
	{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT },
};

static int apply(int fd, const struct setting *s, u32 count)
{
	for (; count--; s++)
		if (setsockopt(fd, s->level, s->name, &s->value, sizeof(s->value)))
			return -errno;
	return 0;
}

static int set_kernel_tos(int fd, u16 family, int tos)
{
	if (tos < 0 || tos > 255)
		return -EINVAL;
	if (family == RTPE_FAMILY_IP4)
		return setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)) ? -errno : 0;
	return setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos)) ? -errno : 0;
}

static int prepare(int fd, const struct rtpe_addr *local, int tos)
{
	union rtpe_sockaddr sa;
	socklen_t len = rtpe_sockaddr_from(&sa, local);
	int err;

	if (local->family == RTPE_FAMILY_IP4)
		err = apply(fd, ip4_settings, sizeof(ip4_settings) / sizeof(ip4_settings[0]));
	else
		err = apply(fd, ip6_settings, sizeof(ip6_settings) / sizeof(ip6_settings[0]));
	if (!err && tos)
		err = set_kernel_tos(fd, local->family, tos);
	if (!err && bind(fd, &sa.any, len))
		err = -errno;
	return err;
}

int rtpe_socket_create(struct rtpe_socket **out, const struct rtpe_addr *local, int tos)
{
	struct rtpe_socket *s;
	int fd, err;

	if (!rtpe_addr_valid(local))
		return -EINVAL;
	fd = socket(local->family == RTPE_FAMILY_IP4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	err = prepare(fd, local, tos);
	if (err)
		goto err_close;
	s = rtpe_alloc(sizeof(*s));
	if (!s) {
		err = -ENOMEM;
		goto err_close;
	}
	s->fd = fd;
	s->local = *local;
	s->tos = (u8)tos;
	s->budget = 1;
	s->refs = 1;
	*out = s;
	return 0;

err_close:
	close(fd);
	return err;
}

void rtpe_socket_detach(struct rtpe_socket *s, int nothing)
{
	dup3(nothing, s->fd, O_CLOEXEC);
}

void rtpe_socket_ref(struct rtpe_socket *s)
{
	__atomic_add_fetch(&s->refs, 1, __ATOMIC_RELAXED);
}

void rtpe_socket_unref(struct rtpe_socket *s)
{
	if (__atomic_sub_fetch(&s->refs, 1, __ATOMIC_ACQ_REL))
		return;
	close(s->fd);
	rtpe_sift_free(s->sift);
	rtpe_free(s);
}

int rtpe_socket_set_tos(struct rtpe_socket *s, int tos)
{
	int err = set_kernel_tos(s->fd, s->local.family, tos);

	if (!err)
		WRITE_ONCE(s->tos, (u8)tos);
	return err;
}

/* For one datagram that differs from the rest of the socket. */
static ssize_t send_with_tos(const struct rtpe_socket *s, union rtpe_sockaddr *sa, socklen_t sa_len, int tos,
			     const void *data, u32 len)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = len };
	struct msghdr m = {
		.msg_name = sa, .msg_namelen = sa_len, .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.bytes, .msg_controllen = sizeof(control.bytes),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	bool ip4 = s->local.family == RTPE_FAMILY_IP4;

	memset(&control, 0, sizeof(control));
	c->cmsg_level = ip4 ? IPPROTO_IP : IPPROTO_IPV6;
	c->cmsg_type = ip4 ? IP_TOS : IPV6_TCLASS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &tos, sizeof(tos));
	return sendmsg(s->fd, &m, 0);
}

int rtpe_socket_send(const struct rtpe_socket *s, const struct rtpe_addr *dst, u8 tos, const void *data, u32 len)
{
	union rtpe_sockaddr sa;
	socklen_t sa_len = rtpe_sockaddr_from(&sa, dst);
	ssize_t sent;

	if (likely(tos == READ_ONCE(s->tos)))
		sent = sendto(s->fd, data, len, 0, &sa.any, sa_len);
	else
		sent = send_with_tos(s, &sa, sa_len, tos, data, len);
	return likely(sent >= 0) ? 0 : -errno;
}

bool rtpe_socket_waits(const struct rtpe_socket *s)
{
	char first;

	return recv(s->fd, &first, sizeof(first), MSG_PEEK | MSG_DONTWAIT) >= 0;
}

bool rtpe_socket_error_passes(int error)
{
	/* ENOTSOCK: detached this instant. */
	static const int passing[] = {
		EAGAIN, EINTR, ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN, ENETDOWN, EPROTO, ENOPROTOOPT,
		EMSGSIZE, EOPNOTSUPP, EACCES, EPERM, ENONET, ENOBUFS, ENOMEM,
		ENOTSOCK,
	};
	u32 i;

	for (i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		if (passing[i] == error)
			return true;
	return false;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sends RTP from one network namespace and takes it in another, in one thread, so
 * that the number of instructions is the same each time:
 *
 *   flow FROM_NS FROM_IP FROM_PORT  TO_IP TO_PORT  AT_NS AT_IP AT_PORT  PACKETS BURST COPIES [FILE]
 *
 * FILE has the packets one after the other, each behind its length (two bytes, the
 * higher first): WARM_UP and PACKETS of them. Without it they are made here.
 *
 * Warms up, marks the start, sends PACKETS (BURST in a system call), marks the end:
 * by then all are in the receiver's socket, for they cross the host in softirqs of
 * the sending. Then takes what arrived and fails unless COPIES of each packet did.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_BURST 64
#define BYTES 172
#define WARM_UP 256

struct end {
	struct sockaddr_storage addr;
	socklen_t len;
	int fd;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct end end_at(const char *ip, const char *port)
{
	struct end e = { .fd = -1 };
	struct sockaddr_in *v4 = (void *)&e.addr;
	struct sockaddr_in6 *v6 = (void *)&e.addr;

	if (strchr(ip, ':')) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(port));
		inet_pton(AF_INET6, ip, &v6->sin6_addr);
		e.len = sizeof(*v6);
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(atoi(port));
		inet_pton(AF_INET, ip, &v4->sin_addr);
		e.len = sizeof(*v4);
	}
	return e;
}

static struct end bound(const char *ns, const char *ip, const char *port)
{
	struct end e = end_at(ip, port);
	char path[256];
	int fd, size = 16 << 20;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
	e.fd = socket(e.addr.ss_family, SOCK_DGRAM, 0);
	if (e.fd < 0 || bind(e.fd, (void *)&e.addr, e.len))
		fail(ip);
	if (setsockopt(e.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		fail("SO_RCVBUFFORCE");
	return e;
}

static unsigned char *packets_of_file[65536];

static void load(const char *path, long count)
{
	unsigned char head[2];
	FILE *f = fopen(path, "rb");
	long n;

	if (!f || count > 65536)
		fail(path);
	for (n = 0; n < count; n++) {
		if (fread(head, 1, 2, f) != 2)
			fail(path);
		packets_of_file[n] = malloc(2 + (head[0] << 8 | head[1]));
		memcpy(packets_of_file[n], head, 2);
		if (fread(packets_of_file[n] + 2, 1, head[0] << 8 | head[1], f) != (size_t)(head[0] << 8 | head[1]))
			fail(path);
	}
	fclose(f);
}

/* Packet number n, to be sent next. */
static struct iovec packet(unsigned char *room, long n)
{
	unsigned char *made = packets_of_file[n];

	if (made)
		return (struct iovec){ made + 2, (size_t)(made[0] << 8 | made[1]) };
	memset(room, 0xd5, BYTES);
	memcpy(room, "\x80\0\0\0\0\0\0\0\x11\x22\x33\x44", 12);
	room[2] = n >> 8;
	room[3] = n;
	return (struct iovec){ room, BYTES };
}

static void transmit(const struct end *from, const struct end *to, long first, long count, int burst)
{
	static unsigned char data[MAX_BURST][BYTES];
	struct mmsghdr m[MAX_BURST] = { 0 };
	struct iovec v[MAX_BURST];
	long at;
	int i;

	for (at = 0; at < count; at += burst) {
		for (i = 0; i < burst; i++) {
			v[i] = packet(data[i], first + at + i);
			m[i].msg_hdr = (struct msghdr){ .msg_name = (void *)&to->addr, .msg_namelen = to->len,
							.msg_iov = &v[i], .msg_iovlen = 1 };
		}
		if (sendmmsg(from->fd, m, burst, 0) != burst)
			fail("sendmmsg");
	}
}

static long take(const struct end *at)
{
	static unsigned char data[MAX_BURST][2048];
	struct mmsghdr m[MAX_BURST] = { 0 };
	struct iovec v[MAX_BURST];
	long total = 0;
	int i, n;

	do {
		for (i = 0; i < MAX_BURST; i++) {
			v[i] = (struct iovec){ data[i], sizeof(data[i]) };
			m[i].msg_hdr = (struct msghdr){ .msg_iov = &v[i], .msg_iovlen = 1 };
		}
		n = recvmmsg(at->fd, m, MAX_BURST, MSG_DONTWAIT, NULL);
		total += n > 0 ? n : 0;
	} while (n == MAX_BURST);
	return total;
}

int main(int argc, char **argv)
{
	struct end from, to, at;
	long packets, copies, got;
	int burst;

	if (argc != 12 && argc != 13)
		return 2;
	from = bound(argv[1], argv[2], argv[3]);
	to = end_at(argv[4], argv[5]);
	at = bound(argv[6], argv[7], argv[8]);
	packets = atol(argv[9]);
	burst = atoi(argv[10]);
	copies = atol(argv[11]);
	if (argc == 13)
		load(argv[12], WARM_UP + packets);

	transmit(&from, &to, 0, WARM_UP, burst);
	usleep(300000);
	take(&at);
	__asm__ volatile("nopl 0x52450001(%%rax)" ::: "memory");
	transmit(&from, &to, WARM_UP, packets, burst);
	__asm__ volatile("nopl 0x52450002(%%rax)" ::: "memory");
	got = take(&at);
	if (got != packets * copies) {
		fprintf(stderr, "%ld of %ld arrived\n", got, packets * copies);
		return 1;
	}
	return 0;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * floor - the cheapest relay that can be written: what any user space relay pays at least.
 *
 *   floor FLOWS FIRST_PORT
 *
 * Listens on 127.0.0.1, ports FIRST_PORT, FIRST_PORT + 2, ... for FLOWS flows, and sends what comes to flow i on to
 * 127.0.0.1 port FIRST_PORT + 2 * (FLOWS + i), from the port it came to. It looks at nothing but the RTP version.
 * Prints "ready" when all ports are open.
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void pass_on(int fd, const struct sockaddr_in *to)
{
	uint8_t packet[2048];
	struct sockaddr_in from;
	socklen_t size = sizeof(from);
	ssize_t length;

	while ((length = recvfrom(fd, packet, sizeof(packet), 0, (struct sockaddr *)&from, &size)) > 0) {
		if (packet[0] >> 6 == 2)
			sendto(fd, packet, length, 0, (const struct sockaddr *)to, sizeof(*to));
		size = sizeof(from);
	}
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];
	struct sockaddr_in *to;
	int flows, first, poll, *fds;

	if (argc != 3) {
		fprintf(stderr, "usage: floor FLOWS FIRST_PORT\n");
		return 2;
	}
	flows = atoi(argv[1]);
	first = atoi(argv[2]);
	fds = calloc(flows, sizeof(*fds));
	to = calloc(flows, sizeof(*to));
	poll = epoll_create1(0);
	if (!fds || !to || poll < 0)
		return 1;
	for (int i = 0; i < flows; i++) {
		struct sockaddr_in here = loopback(first + 2 * i);
		struct epoll_event want = { .events = EPOLLIN | EPOLLET, .data.u32 = i };

		to[i] = loopback(first + 2 * (flows + i));
		fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (bind(fds[i], (struct sockaddr *)&here, sizeof(here)) ||
		    epoll_ctl(poll, EPOLL_CTL_ADD, fds[i], &want)) {
			perror("floor");
			return 1;
		}
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(poll, events, 64, -1);

		for (int i = 0; i < count; i++)
			pass_on(fds[events[i].data.u32], &to[events[i].data.u32]);
	}
}

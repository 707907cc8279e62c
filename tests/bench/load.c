/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * load - sends RTP or SRTP through a relay and counts what comes out.
 *
 *   load [options] FLOWS
 *
 * FLOWS has a line per one-way flow, IPv4 only:
 *   TX_ADDRESS TX_PORT  RELAY_ADDRESS RELAY_PORT  RX_ADDRESS RX_PORT  TX_KEYS RX_KEYS
 * Keys are "-", or SUITE:HEX with master key and salt: what is sent is encrypted, what comes out must be.
 *
 *   -r RATE     packets a second over all flows; 0 as fast as possible (default 0)
 *   -t SECONDS  how long to send (default 2)          -b BURST  packets per flow in a row, 1 to 64 (default 1)
 *   -s INDEX    first packet index (default 1): sequence number and roll-overs
 *   -w SECONDS  wait for late packets, while any are missing (default 0.3)
 *   -P PID      also report the processor time that PID used from the first packet to the last
 * Prints one JSON object; "next" is the index to go on with.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "keys.h"

enum { PAYLOAD = 160, PACKET = 12 + PAYLOAD, BATCH = 64 };

struct end {
	int fd;
	struct sockaddr_in address;
	struct flow *arrives;
};

struct flow {
	struct end *tx, *rx;
	struct sockaddr_in relay;
	uint32_t ssrc;
	struct rtpe_crypto *tx_keys, *rx_keys;
	uint64_t index, sent, received, bad;
};

static struct flow *flows;
static struct end *ends;
static int n_flows, n_ends, burst = 1;
static uint64_t first_index = 1;
static atomic_int stop;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static struct sockaddr_in endpoint(const char *address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		fail(address);
	return a;
}

static int open_socket(const struct end *e)
{
	int size = 4 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&e->address, sizeof(e->address)))
		fail("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return fd;
}

/* An address that is both sender and receiver has one socket. */
static struct end *end_at(const char *address, int port)
{
	struct sockaddr_in a = endpoint(address, port);
	struct end *e;

	for (e = ends; e < ends + n_ends; e++)
		if (e->address.sin_port == a.sin_port && e->address.sin_addr.s_addr == a.sin_addr.s_addr)
			return e;
	n_ends++;
	e->address = a;
	e->fd = open_socket(e);
	return e;
}

static void load_flows(const char *path)
{
	char tx[64], relay[64], rx[64], tx_keys[128], rx_keys[128], line[512];
	int tx_port, relay_port, rx_port, room = 0;
	FILE *file = fopen(path, "r");

	if (!file)
		fail(path);
	while (fgets(line, sizeof(line), file))
		room++;
	rewind(file);
	flows = calloc(room, sizeof(*flows));
	ends = calloc(2 * room, sizeof(*ends));
	while (fgets(line, sizeof(line), file)) {
		struct flow *f = &flows[n_flows];

		if (sscanf(line, "%63s %d %63s %d %63s %d %127s %127s", tx, &tx_port, relay, &relay_port, rx, &rx_port,
			   tx_keys, rx_keys) != 8) {
			fprintf(stderr, "not a flow: %s", line);
			exit(2);
		}
		f->tx = end_at(tx, tx_port);
		f->rx = end_at(rx, rx_port);
		f->rx->arrives = f;
		f->relay = endpoint(relay, relay_port);
		f->ssrc = 0x10000000u + n_flows++;
		f->index = first_index;
		f->tx_keys = keys_open(tx_keys, f->ssrc, first_index);
		f->rx_keys = keys_open(rx_keys, f->ssrc, first_index);
	}
	fclose(file);
}

static void write_packet(uint8_t *p, const struct flow *f, uint16_t seq)
{
	uint32_t ssrc = htonl(f->ssrc), timestamp = htonl(seq * 160u);
	uint16_t wire_seq = htons(seq);

	p[0] = 0x80;
	p[1] = 8;
	memcpy(p + 2, &wire_seq, 2);
	memcpy(p + 4, &timestamp, 4);
	memcpy(p + 8, &ssrc, 4);
	memset(p + 12, 0xd5 ^ (seq & 0xff), PAYLOAD);
}

/* Indices of packets that could not be sent are not used again. */
static int send_burst(struct flow *f, int count)
{
	static uint8_t packets[BATCH][PACKET + KEYS_GROWTH];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int sent;

	memset(messages, 0, sizeof(*messages) * count);
	for (int i = 0; i < count; i++) {
		uint32_t len = PACKET;

		write_packet(packets[i], f, (uint16_t)f->index++);
		if (!keys_protect(f->tx_keys, packets[i], &len)) {
			fprintf(stderr, "cannot encrypt\n");
			exit(1);
		}
		parts[i] = (struct iovec){ packets[i], len };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &f->relay;
		messages[i].msg_hdr.msg_namelen = sizeof(f->relay);
	}
	sent = sendmmsg(f->tx->fd, messages, count, 0);
	if (sent < 0)
		return 0;
	f->sent += sent;
	return sent;
}

static bool is_intact(const struct flow *f, uint8_t *packet, uint32_t len)
{
	uint8_t expected[PACKET];

	write_packet(expected, f, packet[2] << 8 | packet[3]);
	return keys_unprotect(f->rx_keys, packet, &len) && len == PACKET && !memcmp(expected, packet, PACKET);
}

static void drain(struct end *e)
{
	static uint8_t packets[BATCH][2048];
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	int count;

	do {
		memset(messages, 0, sizeof(messages));
		for (int i = 0; i < BATCH; i++) {
			parts[i] = (struct iovec){ packets[i], sizeof(packets[i]) };
			messages[i].msg_hdr.msg_iov = &parts[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		count = recvmmsg(e->fd, messages, BATCH, MSG_DONTWAIT, NULL);
		for (int i = 0; i < count; i++) {
			if (!e->arrives)
				continue;
			e->arrives->received++;
			e->arrives->bad += !is_intact(e->arrives, packets[i], messages[i].msg_len);
		}
	} while (count == BATCH);
}

static void *receiver(void *unused)
{
	int poll = epoll_create1(0);
	struct epoll_event events[64];

	for (int i = 0; i < n_ends; i++) {
		struct epoll_event want = { .events = EPOLLIN, .data.u32 = i };

		epoll_ctl(poll, EPOLL_CTL_ADD, ends[i].fd, &want);
	}
	while (!stop) {
		int count = epoll_wait(poll, events, 64, 50);

		for (int i = 0; i < count; i++)
			drain(&ends[events[i].data.u32]);
	}
	return unused;
}

static uint64_t send_paced(double rate, double seconds)
{
	double start = now(CLOCK_MONOTONIC), t = start;
	uint64_t sent = 0;

	/* Something through each, however late it has become. */
	for (int i = 0; t - start < seconds || sent < 4ull * n_flows; i = (i + 1) % n_flows) {
		if (rate > 0)
			while ((t = now(CLOCK_MONOTONIC)), sent + burst > (t - start) * rate) {
				struct timespec nap = { 0, 100000 };

				nanosleep(&nap, NULL);
			}
		else if (i % 16 == 0)
			t = now(CLOCK_MONOTONIC);
		sent += send_burst(&flows[i], burst);
	}
	return sent;
}

static uint64_t received_by_all(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < n_flows; i++)
		sum += __atomic_load_n(&flows[i].received, __ATOMIC_RELAXED);
	return sum;
}

int main(int argc, char **argv)
{
	double rate = 0, seconds = 2, wait = 0.3, cpu = 0, start, elapsed;
	uint64_t sent, received, bad = 0, next = 0;
	int option, silent = 0;
	struct rlimit files;
	clockid_t watched;
	pthread_t thread;
	pid_t pid = 0;

	while ((option = getopt(argc, argv, "r:t:b:s:w:P:")) != -1)
		switch (option) {
		case 'r': rate = atof(optarg); break;
		case 't': seconds = atof(optarg); break;
		case 'b': burst = atoi(optarg); break;
		case 's': first_index = strtoull(optarg, NULL, 10); break;
		case 'w': wait = atof(optarg); break;
		case 'P': pid = atoi(optarg); break;
		default: return 2;
		}
	if (optind != argc - 1 || burst < 1 || burst > BATCH) {
		fprintf(stderr, "usage: load [options] FLOWS\n");
		return 2;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	load_flows(argv[optind]);
	if (pid && clock_getcpuclockid(pid, &watched))
		fail("no such process");
	if (pthread_create(&thread, NULL, receiver, NULL))
		fail("thread");
	if (pid)
		cpu = now(watched);
	start = now(CLOCK_MONOTONIC);
	sent = send_paced(rate, seconds);
	elapsed = now(CLOCK_MONOTONIC) - start;
	for (double end = start + elapsed + wait; received_by_all() < sent && now(CLOCK_MONOTONIC) < end;)
		usleep(10000);
	if (pid)
		cpu = now(watched) - cpu;
	stop = 1;
	pthread_join(thread, NULL);
	for (int i = 0; i < n_ends; i++)
		drain(&ends[i]);
	received = received_by_all();
	for (int i = 0; i < n_flows; i++) {
		bad += flows[i].bad;
		silent += !flows[i].received;
		next = flows[i].index > next ? flows[i].index : next;
	}
	printf("{\"flows\": %d, \"seconds\": %.4f, \"sent\": %lu, \"received\": %lu, \"bad\": %lu, \"silent\": %d, "
	       "\"next\": %lu, \"cpu_seconds\": %.6f}\n", n_flows, elapsed, sent, received, bad, silent, next, cpu);
	return 0;
}

// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * stress SECONDS - a relay and a queue engine under traffic from two threads while
 * three others change everything that can be changed. For the sanitizers to watch;
 * fails by itself only if steady flows stop.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../controlplane/relay/address.h"
#include "../../controlplane/relay/relay.h"
#include "support.h"

#define FLOWS 8
#define STEADY 2		/* of them are left alone */
#define ENOUGH 100		/* packets that have to come, however long it takes */
#define PATIENCE 60		/* seconds */

static struct rtpe_relay *relay;
static struct rtpe_nfq *queue;
static struct rtpe_addr locals[FLOWS];
static struct rtpe_addr sink_address;
static int sink;
static bool ended;

static bool running(void)
{
	return !__atomic_load_n(&ended, __ATOMIC_RELAXED);
}

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static int bound_socket(struct rtpe_addr *address)
{
	union rtpe_sockaddr sa = { .in4 = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(sa.in4);

	must(!bind(fd, &sa.any, len) && !getsockname(fd, &sa.any, &len), "bind");
	rtpe_addr_from(address, &sa);
	return fd;
}

/* One record to an engine; its status. */
static int command(struct rtpe_engine *e, u16 number, const void *body, u32 len)
{
	static __thread struct script s;
	int written;

	script_init(&s);
	if (number == RTPE_HELLO)
		script_hello(&s);
	else
		script_record(&s, number, number == RTPE_ADD_TARGET, body, len);
	written = rtpe_engine_command(e, s.bytes, s.at, s.reply, sizeof(s.reply));
	must(written >= (int)sizeof(struct rtpe_reply), "command refused");
	return script_reply(&s, 0)->status;
}

static int add(struct rtpe_engine *e, u32 from, u32 to, u8 outputs)
{
	bool learns = e == rtpe_relay_engine(relay);
	struct message m;
	struct packed p;
	u32 i;

	message_init(&m, &locals[from], outputs);
	m.target.flags |= RTPE_TARGET_LEARN * learns;
	for (i = 0; i < outputs; i++) {
		m.outputs[i].src = locals[to];
		m.outputs[i].dst = sink_address;
		m.outputs[i].tos = (u8)(i * 4);
		m.outputs[i].flags = learns && i % 2 ? RTPE_OUTPUT_FOLLOW : 0;
	}
	message_pack(&p, &m);
	return command(e, RTPE_ADD_TARGET, p.bytes, p.len);
}

static void *send_packets(void *arg)
{
	struct rtpe_addr own;
	int fd = bound_socket(&own);
	u8 buffer[PACKET_ROOM];
	struct rtpe_packet p;
	union rtpe_sockaddr sa;
	socklen_t len;
	u16 seq = 0;

	(void)arg;
	for (; running(); seq++) {
		packet_rtp(&p, buffer, seq, 1000000 + seq);
		len = rtpe_sockaddr_from(&sa, &locals[seq % 4 ? seq % FLOWS : 0]);
		sendto(fd, buffer, p.len, 0, &sa.any, len);
	}
	close(fd);
	return NULL;
}

static void *change_relay(void *arg)
{
	struct rtpe_engine *e = rtpe_relay_engine(relay);
	struct rtpe_relay_counters counters;
	struct rtpe_event events[16];
	u32 n, i;

	(void)arg;
	for (n = 0; running(); n++) {
		i = STEADY + n % (FLOWS - STEADY);
		switch (n / FLOWS % 6) {
		case 0:
			add(e, i, 0, (u8)(n % 5));
			break;
		case 1:
			command(e, RTPE_GET_TARGET, &locals[i], sizeof(locals[i]));
			break;
		case 2:
			command(e, RTPE_DEL_TARGET, &locals[i], sizeof(locals[i]));
			break;
		case 3:
			rtpe_relay_close(relay, &locals[i]);
			rtpe_relay_open(relay, &locals[i], 0);
			break;
		case 4:
			rtpe_relay_set_tos(relay, &locals[i], (int)(n % 256));
			rtpe_relay_send(relay, &locals[i], &sink_address, "x", 1);
			break;
		case 5:
			while (rtpe_relay_events(relay, events, 16) == 16)
				;
			rtpe_relay_count(relay, &counters);
			add(e, i, i, 1);
			break;
		}
	}
	return NULL;
}

static void *change_queue(void *arg)
{
	u32 n, i;

	(void)arg;
	for (n = 0; running(); n++) {
		i = STEADY + n % (FLOWS - STEADY);
		if (n / FLOWS % 2)
			add(rtpe_nfq_engine(queue), i, i, 1);
		else
			command(rtpe_nfq_engine(queue), RTPE_DEL_TARGET, &locals[i], sizeof(locals[i]));
	}
	return NULL;
}

static void *feed_queue(void *arg)
{
	/* IPv4 and UDP without checksum, 12 bytes of RTP. */
	u8 packet[40] = { 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, 1, 1, 0, 0, 0, 20, 0, 0, 0x80 };
	u32 n;

	(void)arg;
	for (n = 0; running(); n++) {
		memcpy(packet + 22, &locals[n % FLOWS].port, 2);
		rtpe_nfq_packet(queue, packet, sizeof(packet));
	}
	return NULL;
}

static u32 index_of(struct rtpe_engine *e, u16 number, const void *body, u32 len)
{
	static __thread struct script s;

	script_init(&s);
	script_record(&s, number, 0, body, len);
	must(rtpe_engine_command(e, s.bytes, s.at, s.reply, sizeof(s.reply)) > 0 && !script_reply(&s, 0)->status, "intercept");
	return ((const struct rtpe_index *)(script_reply(&s, 0) + 1))->index;
}

/* Reads until the stream has ended, as it is told by the descriptor. */
static void *record(void *arg)
{
	struct rtpe_recorder *r = arg;
	struct pollfd p = { .fd = rtpe_recorder_eventfd(r), .events = POLLIN };
	u8 buffer[PACKET_ROOM];
	int len;

	while ((len = rtpe_recorder_read(r, buffer, sizeof(buffer))))
		if (len == -EAGAIN)
			must(poll(&p, 1, 1000 * PATIENCE) == 1, "a recorder was not woken");
	rtpe_recorder_free(r);
	return NULL;
}

/* Streams that come and go under a target and their readers, of which some do not read. */
static void *intercept(void *arg)
{
	struct rtpe_engine *e = rtpe_relay_engine(relay);
	const struct rtpe_name call_name = { "call" };
	struct rtpe_stream stream = { .max_packets = 4, .name = { "stream" } };
	struct rtpe_index call = { 0 };
	struct rtpe_recorder *r;
	pthread_t reader;
	struct message m;
	struct packed p;
	u32 n;

	(void)arg;
	for (n = 0; running(); n++) {
		call.index = stream.call = index_of(e, RTPE_ADD_CALL, &call_name, sizeof(call_name));
		message_init(&m, &locals[STEADY], 0);
		m.target.stream = m.target.rtcp_stream = index_of(e, RTPE_ADD_STREAM, &stream, sizeof(stream));
		message_pack(&p, &m);
		command(e, RTPE_ADD_TARGET, p.bytes, p.len);
		r = rtpe_recorder_new(e, m.target.stream);
		must(r != NULL, "no recorder");
		if (n % 4)
			must(!pthread_create(&reader, NULL, record, r), "recorder");
		usleep(n % 7 * 500);
		must(!command(e, RTPE_DEL_CALL, &call, sizeof(call)), "call");
		if (n % 4)
			pthread_join(reader, NULL);
		else
			rtpe_recorder_free(r);
	}
	return NULL;
}

static u64 drain(int milliseconds)
{
	struct pollfd p = { .fd = sink, .events = POLLIN };
	u8 buffer[PACKET_ROOM];
	u64 got = 0;

	while (poll(&p, 1, milliseconds) > 0)
		while (recv(sink, buffer, sizeof(buffer), 0) >= 0)
			if (++got % 1000 == 0)
				return got;
	return got;
}

int main(int argc, char **argv)
{
	static void *(*const jobs[])(void *) = { send_packets, send_packets, change_relay, change_queue, feed_queue,
						intercept };
	pthread_t threads[sizeof(jobs) / sizeof(jobs[0])];
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 1);
	u64 got = 0;
	u32 i;

	relay = rtpe_relay_new(3);
	must(relay && (queue = rtpe_nfq_new(relay)), "start");
	must(!command(rtpe_relay_engine(relay), RTPE_HELLO, NULL, 0), "greet relay");
	must(!command(rtpe_nfq_engine(queue), RTPE_HELLO, NULL, 0), "greet queue");
	sink = bound_socket(&sink_address);
	for (i = 0; i < FLOWS; i++) {
		do	/* whoever was faster may have the port */
			close(bound_socket(&locals[i]));
		while (rtpe_relay_open(relay, &locals[i], 0));
		must(!add(rtpe_relay_engine(relay), i, i, 1), "add");
	}
	for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		must(!pthread_create(&threads[i], NULL, jobs[i], NULL), "thread");
	while (time(NULL) <= end || (got <= ENOUGH && time(NULL) <= end + PATIENCE))
		got += drain(100);
	__atomic_store_n(&ended, true, __ATOMIC_RELAXED);
	for (i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
		pthread_join(threads[i], NULL);
	must(got > ENOUGH, "packets stopped");
	rtpe_nfq_free(queue);
	rtpe_relay_free(relay);
	close(sink);
	return 0;
}

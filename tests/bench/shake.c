/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * shake - browsers that connect: an ICE check, then a DTLS handshake with a certificate on both sides.
 *
 * Prints the fingerprint of its certificate (SHA-256). Then each line on its standard input begins a connection from
 * one port of 127.0.0.1 to another, ROLE being its own in DTLS:
 *   NUMBER PORT RELAY_PORT UFRAG PASSWORD PEER_UFRAG PEER_PASSWORD client|server
 * and is answered, when the handshake is done or PATIENCE is over:
 *   NUMBER done|failed MILLISECONDS
 * Ends when its input does.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "binding.h"

enum { WORD = 64, PACKET = 2048, MTU = 1200, EVENTS = 64 };
#define PATIENCE 5.0
#define REPEAT 0.1	/* seconds between two looks at what was not answered */

struct peer {
	struct peer *next, **link;
	uint64_t number;
	int fd;
	struct sockaddr_in relay;
	char password[WORD], peer_password[WORD], user[2 * WORD + 1];
	double begun;
	bool checked, is_client;
	SSL *ssl;
	BIO *in;
};

static struct peer *peers;
static SSL_CTX *context;
static int poll_fd;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static int any_certificate(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static void make_context(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;

	context = SSL_CTX_new(DTLS_method());
	if (!key || !certificate || !context)
		fail("OpenSSL");
	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -86400);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
				   (const unsigned char *)"peer", -1, -1, 0);
	X509_set_issuer_name(certificate, X509_get_subject_name(certificate));
	X509_set_pubkey(certificate, key);
	if (!X509_sign(certificate, key, EVP_sha256()) || SSL_CTX_use_certificate(context, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey(context, key) != 1 ||
	    SSL_CTX_set_tlsext_use_srtp(context, "SRTP_AES128_CM_SHA1_80") ||
	    !X509_digest(certificate, EVP_sha256(), digest, &size))
		fail("certificate");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, any_certificate);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(context, SSL_OP_NO_QUERY_MTU);
	for (unsigned i = 0; i < size; i++)
		printf("%s%02X", i ? ":" : "", digest[i]);
	printf("\n");
}

static void end(struct peer *peer, const char *how)
{
	printf("%llu %s %.2f\n", (unsigned long long)peer->number, how, 1e3 * (now() - peer->begun));
	SSL_free(peer->ssl);
	close(peer->fd);
	*peer->link = peer->next;
	if (peer->next)
		peer->next->link = peer->link;
	free(peer);
}

/* True if the handshake goes on. */
static bool advance(struct peer *peer)
{
	int done = SSL_do_handshake(peer->ssl);
	bool waits = done != 1 && SSL_get_error(peer->ssl, done) == SSL_ERROR_WANT_READ;

	if (!waits)
		end(peer, done == 1 ? "done" : "failed");
	return waits;
}

static void check(const struct peer *peer)
{
	uint8_t message[BINDING_ROOM];

	send(peer->fd, message, binding_request(message, peer->number, peer->user, peer->peer_password), 0);
}

/* False if the peer is gone. */
static bool take(struct peer *peer, const uint8_t *packet, size_t size)
{
	uint8_t answer[BINDING_ROOM];

	if (size && packet[0] >= 20 && packet[0] <= 63) {
		BIO_write(peer->in, packet, size);
		return advance(peer);
	}
	if (binding_is(packet, size, BINDING_REQUEST)) {
		send(peer->fd, answer, binding_success(answer, packet, &peer->relay, peer->password), 0);
	} else if (binding_is(packet, size, BINDING_SUCCESS) && !peer->checked) {
		peer->checked = true;
		return !peer->is_client || advance(peer);
	}
	return true;
}

static void receive(struct peer *peer)
{
	uint8_t packet[PACKET];
	ssize_t size;

	while ((size = recv(peer->fd, packet, sizeof(packet), 0)) >= 0)
		if (!take(peer, packet, size))
			return;
}

static void secure(struct peer *peer)
{
	BIO *out = BIO_new_dgram(peer->fd, BIO_NOCLOSE);

	peer->ssl = SSL_new(context);
	peer->in = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(peer->in, -1);
	BIO_ctrl(out, BIO_CTRL_DGRAM_SET_CONNECTED, 0, &peer->relay);
	SSL_set_bio(peer->ssl, peer->in, out);
	SSL_set_mtu(peer->ssl, MTU);
	if (peer->is_client)
		SSL_set_connect_state(peer->ssl);
	else
		SSL_set_accept_state(peer->ssl);
}

static void begin(const char *line)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = peer };
	char own[WORD], other[WORD], role[WORD];
	unsigned long long number;
	int port, relay;

	if (!peer || sscanf(line, "%llu %d %d %63s %63s %63s %63s %63s", &number, &port, &relay, own, peer->password,
			    other, peer->peer_password, role) != 8) {
		fprintf(stderr, "not a connection: %s", line);
		exit(2);
	}
	peer->number = number;
	peer->is_client = !strcmp(role, "client");
	peer->begun = now();
	snprintf(peer->user, sizeof(peer->user), "%s:%s", other, own);
	here.sin_port = htons(port);
	peer->relay = here;
	peer->relay.sin_port = htons(relay);
	peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	if (peer->fd < 0 || bind(peer->fd, (struct sockaddr *)&here, sizeof(here)) ||
	    connect(peer->fd, (struct sockaddr *)&peer->relay, sizeof(peer->relay)) ||
	    epoll_ctl(poll_fd, EPOLL_CTL_ADD, peer->fd, &event))
		fail("socket");
	secure(peer);
	peer->next = peers;
	peer->link = &peers;
	if (peers)
		peers->link = &peer->next;
	peers = peer;
	check(peer);
}

/* False at the end of the input. */
static bool read_lines(void)
{
	static char text[1 << 16];
	static size_t have;
	ssize_t got = read(0, text + have, sizeof(text) - 1 - have);
	char *line = text, *newline;

	if (got <= 0)
		return false;
	have += got;
	text[have] = 0;
	for (; (newline = strchr(line, '\n')); line = newline + 1)
		begin(line);
	have -= line - text;
	memmove(text, line, have);
	return true;
}

static void repeat(void)
{
	for (struct peer *peer = peers, *next; peer; peer = next) {
		next = peer->next;
		if (peer->begun + PATIENCE < now())
			end(peer, "failed");
		else if (!peer->checked)
			check(peer);
		else
			DTLSv1_handle_timeout(peer->ssl);
	}
}

int main(void)
{
	struct epoll_event events[EVENTS], input = { .events = EPOLLIN };
	double repeated = now();
	bool open = true;

	poll_fd = epoll_create1(0);
	if (poll_fd < 0 || epoll_ctl(poll_fd, EPOLL_CTL_ADD, 0, &input))
		fail("epoll");
	make_context();
	while (open) {
		int ready = (fflush(stdout), epoll_wait(poll_fd, events, EVENTS, (int)(1e3 * REPEAT)));

		for (int i = 0; i < ready; i++) {
			if (events[i].data.ptr)
				receive(events[i].data.ptr);
			else
				open = read_lines();
		}
		if (now() > repeated + REPEAT) {
			repeat();
			repeated = now();
		}
	}
	return 0;
}

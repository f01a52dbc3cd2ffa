#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* dockerd gives up on a name server after 4 s and asks the next; a guest's own patience is 5 s. */
	PATIENCE_MS = 4500,
	/* A datagram may be lost on the way to dockerd, too. */
	RESEND_MS = 1300,
	SERVFAIL = 2, RESPONSE = 0x80, TRUNCATED = 0x02,
};

static void send_answer(struct resolver *r, const struct query *q, const uint8_t *dns, size_t length)
{
	static uint8_t frame[PACKET_HEAD_MOST + sizeof(struct udphdr) + FRAME_MOST];
	uint8_t *into = frame + packet_head(&r->place) + sizeof(struct udphdr);
	bool cut = length > r->place.mtu - packet_ip_head(&r->place) - sizeof(struct udphdr);
	if (cut)
		length = q->question_length;
	memcpy(into, cut ? q->question : dns, length);
	if (cut)
		into[2] |= RESPONSE | TRUNCATED;
	memcpy(into, &q->id, 2);
	packet_send(&r->place, &q->guest, IPPROTO_UDP, frame, sizeof(struct udphdr) + length);
}

static void fail_query(struct resolver *r, struct query *q)
{
	q->question[2] |= RESPONSE;
	q->question[3] = (uint8_t)((q->question[3] & 0x70) | 0x80 | SERVFAIL);
	send_answer(r, q, q->question, q->question_length);
	q->deadline = 0;
	r->pending--;
}

static void fail_all(struct resolver *r)
{
	for (size_t i = 0; i < QUERY_LIMIT && r->pending; i++)
		if (r->queries[i].deadline)
			fail_query(r, &r->queries[i]);
}

/* The header and the first question; an answer needs no more of it. 0 where it is no query. */
static size_t question_length(const uint8_t *dns, size_t length)
{
	if (length < 12 || dns[2] & RESPONSE)
		return 0;
	size_t at = 12;
	while (at < length && dns[at] && dns[at] < 64)
		at += 1u + dns[at];
	at += 5;
	return at <= length && dns[at - 5] == 0 && at <= QUESTION_LIMIT ? at : 0;
}

static bool send_request(const struct resolver *r, const struct query *q, const uint8_t *dns, size_t length)
{
	static uint8_t request[FRAME_MOST];
	memcpy(request, dns, length);
	request[0] = q->turn;
	request[1] = (uint8_t)(q - r->queries);
	return send(r->socket, request, length, MSG_DONTWAIT) >= 0;
}

/* Without what stood behind the question: the answer may be shorter for that, and then says so. */
static void ask_again(const struct resolver *r, struct query *q, long now)
{
	q->resend_at = now + RESEND_MS;
	send_request(r, q, q->question, q->question_length);
}

static void ask(struct resolver *r, const struct packet *p, long now)
{
	const uint8_t *dns = p->data + sizeof(struct udphdr);
	size_t length = p->length - sizeof(struct udphdr), question = question_length(dns, length);
	if (!question)
		return;
	struct query *q = &r->queries[r->next++ % QUERY_LIMIT];
	/* Whoever still waits there has waited longest of all. */
	if (q->deadline)
		fail_query(r, q);
	trace(EVENT_LOOK_UP, 0);
	*q = (struct query){ .deadline = now + PATIENCE_MS, .resend_at = now + RESEND_MS, .guest = p->from,
			     .turn = (uint8_t)(q->turn + 1), .question_length = question };
	r->pending++;
	memcpy(&q->id, dns, 2);
	memcpy(q->question, dns, question);
	/* Only one question, and nothing behind it. */
	memcpy(q->question + 4, "\0\1\0\0\0\0\0\0", 8);
	if (!send_request(r, q, dns, length))
		fail_query(r, q);
}

static void take_frame(struct resolver *r, uint8_t *frame, size_t length, long now)
{
	struct packet p;
	if (packet_answer_neighbour(&r->place, frame, length) || !packet_read(&r->place, frame, length, &p))
		return;
	uint16_t port;
	memcpy(&port, p.data + offsetof(struct udphdr, dest), sizeof port);
	if (p.protocol == IPPROTO_UDP && port == htons(DNS_PORT))
		ask(r, &p, now);
	else if (p.protocol == IPPROTO_TCP)
		streams_from_guest(&r->streams, &p, now);
}

void resolver_from_guest(struct resolver *r, long now)
{
	static uint8_t frame[FRAME_MOST] __attribute__((aligned(4)));
	for (int i = 0; i < QUERY_LIMIT; i++) {
		ssize_t n = read(r->place.tap, frame, sizeof frame);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			close(r->place.tap);
			r->place.tap = -1;
		}
		if (n <= 0)
			return;
		take_frame(r, frame, (size_t)n, now);
	}
}

void resolver_from_server(struct resolver *r)
{
	static uint8_t answer[FRAME_MOST];
	for (int i = 0; i < QUERY_LIMIT; i++) {
		ssize_t n = recv(r->socket, answer, sizeof answer, MSG_DONTWAIT);
		if (n < 0) {
			/* As when nobody listens there. */
			if (errno != EAGAIN && errno != EINTR)
				fail_all(r);
			return;
		}
		struct query *q = &r->queries[n >= 12 ? answer[1] : 0];
		if (n < 12 || !q->deadline || q->turn != answer[0])
			continue;
		send_answer(r, q, answer, (size_t)n);
		q->deadline = 0;
		r->pending--;
	}
}

long resolver_deadline(struct resolver *r, long now)
{
	long first = streams_deadline(&r->streams, now);
	for (size_t i = 0; i < QUERY_LIMIT && r->pending; i++) {
		struct query *q = &r->queries[i];
		if (!q->deadline)
			continue;
		if (q->deadline <= now) {
			fail_query(r, q);
			continue;
		}
		if (q->resend_at <= now)
			ask_again(r, q, now);
		first = sooner(first, sooner(q->resend_at, q->deadline));
	}
	return first;
}

/* "ADDRESS SERVER MTU": where the guest asks, and whom we ask. */
void resolver_open(struct resolver *r, int tap, const char *value)
{
	char address[INET6_ADDRSTRLEN], server[16];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
	if (sscanf(value, "%45s %15s %zu", address, server, &r->place.mtu) != 3 || inet_pton(AF_INET, server, &to.sin_addr) != 1 ||
	    r->place.mtu < 576 || r->place.mtu > FRAME_MOST - 64)
		fail("\"%s\" is no resolver", value);
	r->place.family = strchr(address, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(r->place.family, address, r->place.address) != 1)
		fail("\"%s\" is no resolver", value);
	r->place.tap = tap;
	r->queries = calloc(QUERY_LIMIT, sizeof *r->queries);
	r->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!r->queries || r->socket < 0 || connect(r->socket, (struct sockaddr *)&to, sizeof to) < 0 ||
	    fcntl(tap, F_SETFL, O_NONBLOCK) < 0)
		fail_errno("could not make the relay to the name server %s", server);
	streams_open(&r->streams, &r->place, &to);
}

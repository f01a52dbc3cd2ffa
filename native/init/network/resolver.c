#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DNS_PORT = 53,
	/* dockerd gives up on a name server after 4 s and asks the next; a guest's own patience is 5 s. */
	PATIENCE_MS = 4500,
	FRAME = 65536, SERVFAIL = 2, RESPONSE = 0x80, TRUNCATED = 0x02,
};

struct arp {
	struct ether_header_bytes {
		uint8_t to[6], from[6];
		uint16_t type;
	} __attribute__((packed)) ether;
	struct arphdr head;
	uint8_t sender_mac[6];
	uint32_t sender;
	uint8_t target_mac[6];
	uint32_t target;
} __attribute__((packed));

struct packet {
	struct ether_header_bytes ether;
	struct iphdr ip;
	union {
		struct {
			struct udphdr udp;
			uint8_t dns[];
		};
		struct tcphdr tcp;
	};
} __attribute__((packed, aligned(2)));

/* Nobody else's: locally administered. */
static const uint8_t own_mac[6] = { 0x02, 0, 0xa9, 0xfe, 0x35, 0x35 };

/* The header is a plain one of 20 bytes. Sends `payload` bytes that stand behind it. */
static void send_packet(struct resolver *r, struct packet *p, size_t payload)
{
	size_t length = sizeof p->ip + payload;
	p->ip = (struct iphdr){ .version = 4, .ihl = 5, .tot_len = htons((uint16_t)length), .frag_off = htons(IP_DF), .ttl = 64,
				.protocol = p->ip.protocol, .saddr = p->ip.saddr, .daddr = p->ip.daddr };
	p->ip.check = checksum_end(checksum_add(&p->ip, sizeof p->ip, 0));
	uint32_t pseudo = checksum_add(&p->ip.saddr, 8, p->ip.protocol + (uint32_t)payload);
	if (p->ip.protocol == IPPROTO_UDP) {
		p->udp.check = 0;
		p->udp.check = checksum_end(checksum_add(&p->udp, payload, pseudo));
		if (!p->udp.check)
			p->udp.check = 0xffff;
	} else {
		p->tcp.check = 0;
		p->tcp.check = checksum_end(checksum_add(&p->tcp, payload, pseudo));
	}
	/* A frame that the guest has no room for is lost as on any network. */
	(void)!write(r->tap, p, sizeof p->ether + length);
}

static void send_answer(struct resolver *r, const struct query *q, const uint8_t *dns, size_t length)
{
	static uint8_t frame[FRAME];
	struct packet *p = (struct packet *)frame;
	size_t room = r->mtu - sizeof p->ip - sizeof p->udp;
	bool cut = length > room;
	if (cut)
		length = q->question_length;
	memcpy(p->ether.to, q->guest_mac, 6);
	memcpy(p->ether.from, q->our_mac, 6);
	p->ether.type = htons(ETH_P_IP);
	p->ip.protocol = IPPROTO_UDP;
	p->ip.saddr = r->address;
	p->ip.daddr = q->guest;
	p->udp.source = htons(DNS_PORT);
	p->udp.dest = q->port;
	p->udp.len = htons((uint16_t)(sizeof p->udp + length));
	memcpy(p->dns, cut ? q->question : dns, length);
	if (cut)
		p->dns[2] |= RESPONSE | TRUNCATED;
	memcpy(p->dns, &q->id, 2);
	send_packet(r, p, sizeof p->udp + length);
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

static void ask(struct resolver *r, const struct packet *p, size_t length, long now)
{
	size_t question = question_length(p->dns, length);
	if (!question)
		return;
	struct query *q = &r->queries[r->next++ % QUERY_LIMIT];
	/* Whoever still waits there has waited longest of all. */
	if (q->deadline)
		fail_query(r, q);
	*q = (struct query){ .deadline = now + PATIENCE_MS, .guest = p->ip.saddr, .port = p->udp.source, .turn = (uint8_t)(q->turn + 1),
			     .question_length = question };
	r->pending++;
	memcpy(q->guest_mac, p->ether.from, 6);
	memcpy(q->our_mac, p->ether.to, 6);
	memcpy(&q->id, p->dns, 2);
	memcpy(q->question, p->dns, question);
	/* Only one question, and nothing behind it. */
	memcpy(q->question + 4, "\0\1\0\0\0\0\0\0", 8);
	static uint8_t request[FRAME];
	memcpy(request, p->dns, length);
	request[0] = q->turn;
	request[1] = (uint8_t)(q - r->queries);
	if (send(r->socket, request, length, MSG_DONTWAIT) < 0)
		fail_query(r, q);
}

/* There is no TCP here: better to hear that at once. */
static void refuse_tcp(struct resolver *r, const struct packet *in)
{
	if (in->tcp.rst)
		return;
	struct packet out = *in;
	memcpy(out.ether.to, in->ether.from, 6);
	memcpy(out.ether.from, in->ether.to, 6);
	out.ip.saddr = in->ip.daddr;
	out.ip.daddr = in->ip.saddr;
	out.tcp = (struct tcphdr){ .source = in->tcp.dest, .dest = in->tcp.source, .doff = 5, .rst = 1, .ack = !in->tcp.ack,
				   .seq = in->tcp.ack ? in->tcp.ack_seq : 0, .ack_seq = in->tcp.ack ? 0 : htonl(ntohl(in->tcp.seq) + in->tcp.syn) };
	send_packet(r, &out, sizeof out.tcp);
}

static void answer_arp(struct resolver *r, const struct arp *in)
{
	if (in->head.ar_op != htons(ARPOP_REQUEST) || in->target != r->address)
		return;
	struct arp out = *in;
	memcpy(out.ether.to, in->ether.from, 6);
	memcpy(out.ether.from, own_mac, 6);
	out.head.ar_op = htons(ARPOP_REPLY);
	memcpy(out.sender_mac, own_mac, 6);
	out.sender = in->target;
	memcpy(out.target_mac, in->sender_mac, 6);
	out.target = in->sender;
	(void)!write(r->tap, &out, sizeof out);
}

static void take_frame(struct resolver *r, const struct packet *p, size_t length, long now)
{
	if (length >= sizeof(struct arp) && p->ether.type == htons(ETH_P_ARP)) {
		answer_arp(r, (const struct arp *)p);
		return;
	}
	size_t before_udp = sizeof p->ip + sizeof p->udp;
	if (length < sizeof p->ether + before_udp)
		return;
	size_t ip = ntohs(p->ip.tot_len);
	if (p->ether.type != htons(ETH_P_IP) || p->ip.version != 4 || p->ip.ihl != 5 || p->ip.daddr != r->address ||
	    ntohs(p->ip.frag_off) & (IP_MF | IP_OFFMASK) || ip < before_udp || sizeof p->ether + ip > length)
		return;
	if (p->ip.protocol == IPPROTO_UDP && p->udp.dest == htons(DNS_PORT))
		ask(r, p, ip - before_udp, now);
	else if (p->ip.protocol == IPPROTO_TCP && ip >= sizeof p->ip + sizeof p->tcp)
		refuse_tcp(r, p);
}

void resolver_from_guest(struct resolver *r, long now)
{
	static uint8_t frame[FRAME] __attribute__((aligned(4)));
	for (int i = 0; i < QUERY_LIMIT; i++) {
		ssize_t n = read(r->tap, frame, sizeof frame);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			close(r->tap);
			r->tap = -1;
		}
		if (n <= 0)
			return;
		take_frame(r, (const struct packet *)frame, (size_t)n, now);
	}
}

void resolver_from_server(struct resolver *r)
{
	static uint8_t answer[FRAME];
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
	long first = -1;
	for (size_t i = 0; i < QUERY_LIMIT && r->pending; i++) {
		struct query *q = &r->queries[i];
		if (q->deadline && q->deadline <= now)
			fail_query(r, q);
		else if (q->deadline && (first < 0 || q->deadline < first))
			first = q->deadline;
	}
	return first;
}

/* "ADDRESS SERVER MTU": where the guest asks, and whom we ask. */
void resolver_open(struct resolver *r, int tap, const char *value)
{
	char address[16], server[16];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
	if (sscanf(value, "%15s %15s %zu", address, server, &r->mtu) != 3 || inet_pton(AF_INET, address, &r->address) != 1 ||
	    inet_pton(AF_INET, server, &to.sin_addr) != 1 || r->mtu < 576 || r->mtu > FRAME - 64)
		fail("\"%s\" is no resolver", value);
	r->tap = tap;
	r->queries = calloc(QUERY_LIMIT, sizeof *r->queries);
	r->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (!r->queries || r->socket < 0 || connect(r->socket, (struct sockaddr *)&to, sizeof to) < 0 ||
	    fcntl(tap, F_SETFL, O_NONBLOCK) < 0)
		fail_errno("could not make the relay to the name server %s", server);
}

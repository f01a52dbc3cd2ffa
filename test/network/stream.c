/*
 * A guest that asks a name server by a connection, on a network that loses every third frame of either side, and has room for little at a time:
 * prints how many bytes of the answer came in order, and who ended how.
 */
#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWER = 40000, QUESTION = 3000, STEP_MS = 20, ROUNDS = 20000, HEAD = 14 + 20, ISN = 77, ROOM = 3000 };

static uint8_t byte_at(size_t at)
{
	return (uint8_t)(at * 7 + at / 256);
}

/* Reads the question to its end, and answers if it is as it was sent. */
static void serve(int listener)
{
	static uint8_t bytes[ANSWER];
	int fd = accept(listener, NULL, NULL);
	size_t length = 0;
	for (ssize_t n; (n = read(fd, bytes + length, sizeof bytes - length)) > 0;)
		length += (size_t)n;
	bool good = length == QUESTION;
	for (size_t i = 0; i < length; i++)
		good = good && bytes[i] == byte_at(i);
	for (size_t i = 0; i < ANSWER; i++)
		bytes[i] = byte_at(i);
	_exit(good && write(fd, bytes, ANSWER) == ANSWER ? 0 : 1);
}

static struct {
	uint32_t next_in, acked, first;
	size_t got;
	uint16_t room;
	bool greeted, ended, end_acked, reset, wrong;
} guest;
static unsigned frames;

static bool is_lost(void)
{
	return frames++ % 3 == 2;
}

static void send_segment(struct streams *all, struct tcphdr head, const uint8_t *data, size_t length, long now)
{
	uint8_t bytes[sizeof head + 1500];
	head.doff = 5;
	head.source = htons(50000);
	head.dest = htons(53);
	head.ack_seq = htonl(guest.next_in);
	head.window = htons(guest.room);
	memcpy(bytes, &head, sizeof head);
	memcpy(bytes + sizeof head, data, length);
	struct packet p = { .protocol = IPPROTO_TCP, .data = bytes, .length = sizeof head + length };
	p.from.port = head.source;
	if (!is_lost())
		streams_from_guest(all, &p, now);
}

/* All that is not acknowledged yet, again and again. */
static void speak(struct streams *all, long now)
{
	static uint8_t question[QUESTION];
	for (size_t i = 0; i < QUESTION; i++)
		question[i] = byte_at(i);
	if (!guest.greeted) {
		send_segment(all, (struct tcphdr){ .syn = 1, .seq = htonl(ISN) }, question, 0, now);
		return;
	}
	size_t sent = guest.acked - ISN - 1, left = sent < QUESTION ? QUESTION - sent : 0, length = left < 1000 ? left : 1000;
	bool end = !guest.end_acked && left == length;
	send_segment(all, (struct tcphdr){ .ack = 1, .fin = end, .seq = htonl(guest.acked) }, question + (left ? sent : 0), length, now);
}

static void hear(const uint8_t *frame, size_t size)
{
	struct tcphdr in;
	memcpy(&in, frame + HEAD, sizeof in);
	size_t head = HEAD + in.doff * 4U, length = size - head;
	uint32_t seq = ntohl(in.seq);
	guest.reset |= in.rst;
	if (in.syn) {
		guest.greeted = true;
		guest.first = guest.next_in = seq + 1;
		guest.acked = ISN + 1;
		return;
	}
	if ((int32_t)(ntohl(in.ack_seq) - guest.acked) > 0)
		guest.acked = ntohl(in.ack_seq);
	guest.end_acked = guest.acked == ISN + 1 + QUESTION + 1;
	if (seq != guest.next_in || guest.ended)
		return;
	guest.wrong |= length > guest.room && length > 1;
	for (size_t i = 0; i < length; i++)
		guest.wrong |= frame[head + i] != byte_at(guest.got++);
	guest.next_in += (uint32_t)length + in.fin;
	guest.ended |= in.fin;
}

int main(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0), tap[2], status;
	if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 1) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, tap) < 0)
		return 2;
	if (fork() == 0)
		serve(listener);
	struct place place = { .tap = tap[0], .family = AF_INET, .mtu = 1500, .address = { 169, 254, 53, 53 } };
	struct streams all;
	streams_open(&all, &place, &address);
	long now = 1;
	for (int round = 0; round < ROUNDS && !(guest.ended && guest.end_acked && !all.open); round++, now += STEP_MS) {
		uint8_t frame[2000];
		/* Now and then it has no room at all. */
		guest.room = round / 40 % 4 == 3 ? 0 : ROOM;
		speak(&all, now);
		struct pollfd fds[STREAM_LIMIT];
		size_t count = streams_poll(&all, fds);
		if (poll(fds, count, 1) > 0)
			streams_from_server(&all, fds, now);
		streams_deadline(&all, now);
		for (ssize_t n; (n = recv(tap[1], frame, sizeof frame, 0)) > 0;)
			if (!is_lost())
				hear(frame, (size_t)n);
	}
	free(all.each);
	wait(&status);
	printf("%zu bytes%s%s%s%s, server %d\n", guest.got, guest.wrong ? ", wrong" : "", guest.reset ? ", reset" : "",
	       guest.ended ? ", ended" : "", all.open ? ", open" : "", WEXITSTATUS(status));
	return 0;
}

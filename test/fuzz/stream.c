/* Segments that a guest sends to its name server, and what the server's end of its connections does. */
#define _GNU_SOURCE
#include <sys/socket.h>

static int open_server(void);
#define socket(family, type, protocol) open_server()
#define connect(fd, address, length) (0)
#include "network/stream.c"
#undef socket
#undef connect

#include "fuzz.h"

enum { SERVER_SPEAKS, SERVER_ENDS, TIME, SEGMENTS };

/* The other ends of the streams' sockets, as they were opened. */
static int ends[STREAM_LIMIT];
static size_t opened;

static int open_server(void)
{
	int pair[2];
	if (opened == STREAM_LIMIT)
		return -1;
	make_pair(pair, SOCK_STREAM);
	ends[opened++] = pair[1];
	return pair[0];
}

static void let_servers_speak(struct streams *all, long now)
{
	struct pollfd fds[STREAM_LIMIT];
	size_t count = streams_poll(all, fds);
	if (count && poll(fds, count, 0) > 0)
		streams_from_server(all, fds, now);
}

static void check(const struct streams *all)
{
	size_t open = 0;
	for (size_t i = 0; i < STREAM_LIMIT; i++) {
		const struct stream *s = &all->each[i];
		if (!s->is_open)
			continue;
		open++;
		must(s->up_used <= STREAM_UP && s->down_used <= STREAM_DOWN);
		must(s->next_out - s->acked <= s->down_used + 1 && s->next_out - s->acked <= s->most_out - s->acked);
	}
	must(open == all->open);
}

/* As a guest would have it: a piece's first byte says how far its numbers are from those that are expected. */
static void send_piece(struct streams *all, const uint8_t *piece, size_t length, long now)
{
	struct tcphdr head;
	if (length <= sizeof head)
		return;
	uint8_t *data = malloc(length - 1);
	must(data);
	memcpy(data, piece + 1, length - 1);
	struct packet p = { .protocol = IPPROTO_TCP, .data = data, .length = length - 1 };
	memcpy(&head, data, sizeof head);
	p.from.port = head.source;
	const struct stream *s = find(all, &p.from);
	if (s && piece[0] < 128) {
		head.seq = htonl(s->next_in + (uint32_t)piece[0] / 16);
		head.ack_seq = htonl(s->most_out - (uint32_t)piece[0] % 16);
		memcpy(data, &head, sizeof head);
	}
	streams_from_guest(all, &p, now);
	free(data);
}

void fuzz_once(struct input input)
{
	struct place place = { .family = take_byte(&input) & 1 ? AF_INET6 : AF_INET, .mtu = 1500 };
	struct streams all;
	int tap[2];
	long now = 1;
	const uint8_t *piece;
	size_t length;
	opened = 0;
	make_pair(tap, SOCK_DGRAM);
	place.tap = tap[0];
	streams_open(&all, &place, &(struct sockaddr_in){ .sin_family = AF_INET });
	for (uint8_t what; what = take_byte(&input), take_piece(&input, &piece, &length);) {
		int end = opened ? ends[what / SEGMENTS % opened] : -1;
		if (what % SEGMENTS == SERVER_SPEAKS)
			(void)!send(end, piece, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (what % SEGMENTS == SERVER_ENDS)
			shutdown(end, SHUT_WR);
		else if (what % SEGMENTS == TIME)
			streams_deadline(&all, now += RESEND_MS);
		else
			send_piece(&all, piece, length, now);
		check(&all);
		let_servers_speak(&all, now);
		check(&all);
		drain(tap[1]);
	}
	streams_deadline(&all, now + IDLE_MS + IDLE_MS);
	must(!all.open);
	for (size_t i = 0; i < opened; i++)
		close(ends[i]);
	for (int i = 0; i < 2; i++)
		close(tap[i]);
	free(all.each);
}

#define PORTS "\x80\0\0\x35"
#define HEAD(flags) PORTS "\0\0\0\1\0\0\0\0\x50" flags "\xff\xff\0\0\0\0"
const struct seed seeds[] = {
	/* A connection, a question, an answer and both ends. */
	SEED("\0\3\x19\0\0" PORTS "\0\0\0\1\0\0\0\0\x60\2\xff\xff\0\0\0\0\2\4\5\xb4\3\x15\0\0" HEAD("\x10") "\3\x1a\0\0" HEAD("\x10") "\0\3abc"
	     "\0\5\0answer\3\x15\0\0" HEAD("\x10") "\3\x15\0\0" HEAD("\x11") "\1\1\0x\3\x15\0\0" HEAD("\x10")),
	SEED("\1\3\x15\0\0" HEAD("\2") "\2\1\0x\2\1\0x\3\x15\0\0" HEAD("\x10") "\3\x15\0\0" HEAD("\4")),
	{ 0 },
};

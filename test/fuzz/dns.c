/* What a name server answers to `exec … getent`. */
#define _GNU_SOURCE
#include "exec/dns.c"

#include "fuzz.h"

/* tunnel.c and tcp.c are others' targets. */
union address tunnel_address(const char *text, uint16_t port)
{
	(void)text, (void)port;
	return (union address){ 0 };
}

socklen_t tunnel_address_size(const union address *address)
{
	return sizeof *address;
}

void fuzz_once(struct input input)
{
	uint8_t query[300], choice = take_byte(&input);
	uint16_t type = choice & 1 ? TYPE_A : TYPE_AAAA;
	size_t size, length;
	int found = 0, ends[2];
	/* A name of the user's, and its answer. */
	char name[256] = { 0 };
	for (size_t i = 0, end = choice >> 1; i < end && input.left; i++)
		name[i] = (char)take_byte(&input);
	size = make_query(query, 0x1234, name, type);
	must(size <= sizeof query);
	uint8_t *answer = take_rest(&input, &length);
	if (size && length >= size) {
		memcpy(answer, query, size);
		answer[2] |= 0x80;
		/* How many answers there are is the server's to say. */
		answer[7] = answer[length - 1];
		print_addresses(answer, length, type);
		struct exec exec = { .deadline = now_ms() + 1000 };
		struct server server = { .is_connected = true };
		int stream[2];
		bool is_cut = answer[2] & TRUNCATED;
		const uint8_t head[2] = { (uint8_t)(length >> 8), (uint8_t)length };
		make_pair(ends, SOCK_DGRAM);
		make_pair(stream, SOCK_STREAM);
		server.socket = ends[0];
		server.stream = stream[0];
		(void)!send(ends[1], answer, length, 0);
		if (is_cut) {
			(void)!send(stream[1], head, sizeof head, 0);
			(void)!send(stream[1], answer, length, 0);
		}
		/* The stream has no end but this. */
		shutdown(stream[1], SHUT_WR);
		must(ask_one(&exec, &server, query, size, type, &found) == (answer[3] & 15));
		close(ends[0]);
		close(ends[1]);
		close(stream[1]);
		if (server.stream >= 0)
			close(server.stream);
	}
	free(answer);
}

const struct seed seeds[] = {
	SEED("\x05" "db\x12\x34\x81\x80\0\1\0\1\0\0\0\0\2db\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\3\1"),
	SEED("\x06" "a.b\x12\x34\x81\x80\0\1\0\2\0\0\0\0\1a\1b\0\0\x1c\0\1\1a\1b\0\0\x1c\0\1\0\0\0\x3c\0\x10\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1"),
	{ 0 },
};

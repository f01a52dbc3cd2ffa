/* Frames that a guest sends to its name server, and what a server answers. */
#define _GNU_SOURCE
#include "network/resolver.c"

#include "fuzz.h"

enum { FROM_SERVER, DEADLINE, FRAMES };

void fuzz_once(struct input input)
{
	static struct query queries[QUERY_LIMIT];
	struct resolver resolver = { .address = htonl(0xa9fe3535), .mtu = 1500, .queries = queries };
	int tap[2], server[2];
	long now = 1;
	const uint8_t *piece;
	size_t length;
	memset(queries, 0, sizeof queries);
	make_pair(tap, SOCK_DGRAM);
	make_pair(server, SOCK_DGRAM);
	resolver.tap = tap[0];
	resolver.socket = server[0];
	for (uint8_t what; what = take_byte(&input), take_piece(&input, &piece, &length);) {
		if (what == FROM_SERVER) {
			(void)!send(server[1], piece, length, 0);
			resolver_from_server(&resolver);
		} else if (what == DEADLINE) {
			resolver_deadline(&resolver, now += PATIENCE_MS / 2);
		} else {
			uint8_t *frame = malloc(length);
			must(frame);
			memcpy(frame, piece, length);
			take_frame(&resolver, (struct packet *)frame, length, now);
			free(frame);
		}
		drain(tap[1]);
		drain(server[1]);
		must(resolver.pending <= QUERY_LIMIT);
	}
	for (int i = 0; i < 2; i++) {
		close(tap[i]);
		close(server[i]);
	}
}

#define IP(length, protocol) \
	"\2\0\xa9\xfe\x35\x35\2\0\0\0\0\1\x08\0\x45\0\0" length "\0\0\0\0\x40" protocol "\0\0\x0a\0\0\2\xa9\xfe\x35\x35"
#define QUESTION "\1\1\0\0\1\0\0\0\0\0\0\2db\0\0\1\0\1"
const struct seed seeds[] = {
	/* A look-up, its answer, and time that goes by. */
	SEED("\2\x3e\0" IP("\x31", "\x11") "\x80\0\0\x35\0\x1d\0\0\x12\x34" QUESTION "\0\x24\0\1\0\x81\x80\0\1\0\1\0\0\0\0\2db\0\0\1\0\1"
	     "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\3\1\0\0\1\0\0\1\0\0"),
	SEED("\2\x36\0" IP("\x28", "\6") "\x80\0\0\x35\0\0\0\1\0\0\0\0\x50\2\xff\xff\0\0\0\0"),
	SEED("\2\x2a\0\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\6\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\2\0\0\0\0\0\0\xa9\xfe\x35\x35"),
	{ 0 },
};

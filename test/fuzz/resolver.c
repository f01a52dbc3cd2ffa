/* Frames that a guest sends to its name server, and what a server answers. */
#define _GNU_SOURCE
#include "network/resolver.c"

#include "fuzz.h"

enum { FROM_SERVER, DEADLINE, FRAMES };

void fuzz_once(struct input input)
{
	static struct query queries[QUERY_LIMIT];
	static const uint8_t ipv4[16] = { 169, 254, 53, 53 }, ipv6[16] = { 0xfd, 0x75, 0x6b, 0x78, 0x35, 0x35, [15] = 0x53 };
	bool is_v6 = take_byte(&input) & 1;
	struct resolver resolver = { .place = { .family = is_v6 ? AF_INET6 : AF_INET, .mtu = 1500 }, .queries = queries };
	int tap[2], server[2];
	long now = 1;
	const uint8_t *piece;
	size_t length;
	memset(queries, 0, sizeof queries);
	make_pair(tap, SOCK_DGRAM);
	make_pair(server, SOCK_DGRAM);
	memcpy(resolver.place.address, is_v6 ? ipv6 : ipv4, sizeof ipv4);
	/* Streams are stream.c's: to no server none begins. */
	streams_open(&resolver.streams, &resolver.place, &(struct sockaddr_in){ .sin_family = AF_INET6 });
	resolver.place.tap = tap[0];
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
			take_frame(&resolver, frame, length, now);
			free(frame);
		}
		drain(tap[1]);
		drain(server[1]);
		must(resolver.pending <= QUERY_LIMIT);
	}
	free(resolver.streams.each);
	for (int i = 0; i < 2; i++) {
		close(tap[i]);
		close(server[i]);
	}
}

#define IP(length, protocol) \
	"\2\0\xa9\xfe\x35\x35\2\0\0\0\0\1\x08\0\x45\0\0" length "\0\0\0\0\x40" protocol "\0\0\x0a\0\0\2\xa9\xfe\x35\x35"
#define QUESTION "\1\1\0\0\1\0\0\0\0\0\0\2db\0\0\1\0\1"
#define IP6(length, protocol) \
	"\2\0\xa9\xfe\x35\x35\2\0\0\0\0\1\x86\xdd\x60\0\0\0\0" length protocol "\x40\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2" \
	"\xfd\x75\x6b\x78\x35\x35\0\0\0\0\0\0\0\0\0\x53"
const struct seed seeds[] = {
	/* A look-up, its answer, and time that goes by. */
	SEED("\0\2\x3e\0" IP("\x31", "\x11") "\x80\0\0\x35\0\x1d\0\0\x12\x34" QUESTION "\0\x24\0\1\0\x81\x80\0\1\0\1\0\0\0\0\2db\0\0\1\0\1"
	     "\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\3\1\0\0\1\0\0\1\0\0"),
	SEED("\0\2\x36\0" IP("\x28", "\6") "\x80\0\0\x35\0\0\0\1\0\0\0\0\x50\2\xff\xff\0\0\0\0"),
	SEED("\0\2\x2a\0\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\6\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\2\0\0\0\0\0\0\xa9\xfe\x35\x35"),
	SEED("\1\2\x52\0" IP6("\x1c", "\x11") "\x80\0\0\x35\0\x1c\0\0\x12\x34" "\1\0\0\1\0\0\0\0\0\0\2db\0\0\1\0\1"),
	{ 0 },
};

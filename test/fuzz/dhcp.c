/* What a guest asks for its addresses by. */
#define _GNU_SOURCE
#include "network/dhcp.c"

#include "fuzz.h"

#include <stdlib.h>
#include <sys/socket.h>

void fuzz_once(struct input input)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct dhcp dhcp = { .count = 1 };
	int tap[2];
	const uint8_t *piece;
	size_t length;
	dhcp.leases[0] = (struct lease){ .card = 3, .address = htonl(0x0a000002), .server = htonl(0xa9fe3535), .length = LEASE_OPTIONS };
	memcpy(dhcp.leases[0].mac, mac, sizeof mac);
	make_pair(tap, SOCK_DGRAM);
	dhcp.tap = tap[0];
	while (take_piece(&input, &piece, &length)) {
		uint8_t *frame = malloc(length), answer[FRAME];
		must(frame || !length);
		if (length)
			memcpy(frame, piece, length);
		take_frame(&dhcp, (struct message *)frame, length);
		free(frame);
		ssize_t n = recv(tap[1], answer, sizeof answer, MSG_DONTWAIT);
		/* No client need take more than 576 bytes. */
		must(n < 0 || (n >= BEFORE_BOOTP + SHORTEST && n <= (ssize_t)sizeof(struct ether_header) + 576));
	}
	close(tap[0]);
	close(tap[1]);
}

#define HEAD(length, udp) \
	"\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\0\x45\0\1" length "\0\0\0\0\x40\x11\0\0\0\0\0\0\xff\xff\xff\xff\0\x44\0\x43\1" udp "\0\0"
#define EIGHT "\0\0\0\0\0\0\0\0"
#define SIXTY_FOUR EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT EIGHT
#define BOOTP \
	"\1\1\6\0\x12\x34\x56\x78\0\0\x80\0" EIGHT EIGHT "\2\0\0\0\0\1\0\0" EIGHT SIXTY_FOUR SIXTY_FOUR SIXTY_FOUR "\x63\x82\x53\x63"
const struct seed seeds[] = {
	SEED("\x1e\1" HEAD("\x10", "\xfc") BOOTP "\x35\1\1\xff"),
	SEED("\x2a\1" HEAD("\x1c", "\x08") BOOTP "\x35\1\3\x36\4\xa9\xfe\x35\x35\x32\4\x0a\0\0\2\xff"),
	{ 0 },
};

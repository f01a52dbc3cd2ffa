/* Frames and packets between a guest and one of exec's tools. */
#define _GNU_SOURCE
#include "network/tunnel.c"

#include "fuzz.h"

#include <stdlib.h>

void fuzz_once(struct input input)
{
	static const struct in6_addr own = { { { 0xfe, 0x80, [15] = 1 } } };
	struct directives none = { 0 };
	struct tunnel tunnel = { .words = &none };
	uint8_t *frame = malloc(ETHER + PACKET), guest[6] = { 0 };
	int tap[2], tun[2];
	const uint8_t *piece;
	size_t length;
	must(frame);
	make_pair(tap, SOCK_DGRAM);
	make_pair(tun, SOCK_DGRAM);
	tunnel.tap = tap[0];
	tunnel.tun = tun[0];
	for (uint8_t is_packet; is_packet = take_byte(&input) & 1, take_piece(&input, &piece, &length);) {
		(void)!send(is_packet ? tun[1] : tap[1], piece, length, 0);
		if (is_packet)
			to_guest(&tunnel, frame, guest, &own);
		else
			from_guest(&tunnel, frame, guest);
		drain(tap[1]);
		drain(tun[1]);
	}
	for (int i = 0; i < 2; i++) {
		close(tap[i]);
		close(tun[i]);
	}
	free(frame);
}

const struct seed seeds[] = {
	SEED("\0\x2a\0\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\6\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\2\0\0\0\0\0\0\x0a\0\0\1"
	     "\1\x14\0\x45\0\0\x14\0\0\0\0\x40\1\0\0\x0a\0\0\1\x0a\0\0\2"),
	SEED("\1\x28\0\x60\0\0\0\0\0\x3a\xff\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2"),
	{ 0 },
};

#define _GNU_SOURCE
#include "network/network.h"

#include <netinet/tcp.h>
#include <string.h>

/* RFC 9293, 3.2. */
enum { USUAL_SEGMENT = 536, OPTION_END = 0, OPTION_NONE = 1, OPTION_SEGMENT = 2, OPTION_SEGMENT_SIZE = 4 };

size_t segment_most(const struct place *place)
{
	return place->mtu - packet_ip_head(place) - sizeof(struct tcphdr);
}

void segment_send(const struct place *place, const struct peer *to, const struct tcphdr *head, const uint8_t *data, size_t length)
{
	static uint8_t frame[PACKET_HEAD_MOST + sizeof *head + FRAME_MOST];
	uint8_t *at = frame + packet_head(place);
	size_t size = sizeof *head;
	struct tcphdr own = *head;
	if (own.syn) {
		size_t segment = segment_most(place);
		const uint8_t option[OPTION_SEGMENT_SIZE] = { OPTION_SEGMENT, sizeof option, (uint8_t)(segment >> 8), (uint8_t)segment };
		memcpy(at + size, option, sizeof option);
		size += sizeof option;
	}
	own.doff = (uint16_t)(size / 4 & 15);
	memcpy(at, &own, sizeof own);
	if (length)
		memcpy(at + size, data, length);
	packet_send(place, to, IPPROTO_TCP, frame, size + length);
}

size_t segment_asked(const uint8_t *options, size_t length)
{
	for (size_t at = 0; at < length && options[at] != OPTION_END;) {
		if (options[at] == OPTION_NONE) {
			at++;
			continue;
		}
		if (at + 2 > length || options[at + 1] < 2 || at + options[at + 1] > length)
			break;
		if (options[at] == OPTION_SEGMENT && options[at + 1] == OPTION_SEGMENT_SIZE)
			return (size_t)(options[at + 2] << 8 | options[at + 3]);
		at += options[at + 1];
	}
	return USUAL_SEGMENT;
}

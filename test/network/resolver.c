/*
 * A guest that asks for a name, on a way to the name server that loses every datagram but the fourth, and one that loses all: prints
 * how often each was asked, what the guest heard, and when. Runs in a network namespace of its own.
 */
#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEAD = 14 + sizeof(struct iphdr) + sizeof(struct udphdr), STEP_MS = 100 };

/* ID 0x1234, one question: "a", A, IN. */
static const uint8_t question[] = { 0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 'a', 0, 0, 1, 0, 1 };

static void ask(int tap)
{
	uint8_t frame[HEAD + sizeof question] = { [12] = 8, [13] = 0 };
	struct iphdr ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP, .tot_len = htons(sizeof frame - 14),
			    .saddr = inet_addr("10.0.0.2"), .daddr = inet_addr("169.254.53.53") };
	struct udphdr udp = { .source = htons(50000), .dest = htons(53), .len = htons(sizeof udp + sizeof question) };
	memcpy(frame + 14, &ip, sizeof ip);
	memcpy(frame + 14 + sizeof ip, &udp, sizeof udp);
	memcpy(frame + HEAD, question, sizeof question);
	(void)!write(tap, frame, sizeof frame);
}

static void try(int server, int taps[2], int answered)
{
	struct resolver r = { 0 };
	uint8_t bytes[1500];
	int asked = 0;
	resolver_open(&r, taps[1], "169.254.53.53 127.0.0.11 1500");
	ask(taps[0]);
	resolver_from_guest(&r, 1);
	for (long now = 1; now < 6000; now += STEP_MS) {
		struct sockaddr_in from;
		socklen_t size = sizeof from;
		resolver_deadline(&r, now);
		ssize_t n = recvfrom(server, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (n > 0 && ++asked == answered) {
			bytes[2] |= 0x80;
			sendto(server, bytes, (size_t)n, 0, (struct sockaddr *)&from, size);
		}
		resolver_from_server(&r);
		n = recv(taps[0], bytes, sizeof bytes, MSG_DONTWAIT);
		if (n < HEAD + 12)
			continue;
		printf("asked %d times, answer %02x%02x with rcode %d at %ld\n", asked, bytes[HEAD], bytes[HEAD + 1],
		       bytes[HEAD + 3] & 15, now);
		break;
	}
	free(r.queries);
	free(r.streams.each);
}

int main(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = inet_addr("127.0.0.11") };
	int server = socket(AF_INET, SOCK_DGRAM, 0);
	if (bind(server, (struct sockaddr *)&at, sizeof at) < 0)
		return 1;
	for (int answered = 0; answered < 5; answered += 2) {
		int taps[2];
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, taps) < 0)
			return 1;
		try(server, taps, answered);
	}
	return 0;
}

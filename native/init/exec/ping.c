#define _GNU_SOURCE
#include "exec/tool.h"

#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IDENTITY = 0x756b, PAYLOAD = 56, PAUSE_MS = 200 };

static bool is_v6(const struct exec *exec)
{
	return strchr(exec_word(exec, WORD_GUEST_ADDRESS), ':') != NULL;
}

void ping_open(struct exec *exec)
{
	exec->socket = tunnel_socket(&exec->tunnel, SOCK_RAW, is_v6(exec) ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

/* Whether the reply to this one comes in time. Both families' echo messages look alike; only IPv4's come with their header. */
static bool await_reply(const struct exec *exec, uint16_t sequence)
{
	uint8_t packet[2048];
	while (exec_wait(exec, exec->socket, POLLIN)) {
		ssize_t n = recv(exec->socket, packet, sizeof packet, 0);
		ssize_t head = is_v6(exec) ? 0 : (ssize_t)((const struct iphdr *)packet)->ihl * 4;
		if (n < (ssize_t)sizeof(struct iphdr) || n < head + (ssize_t)sizeof(struct icmphdr))
			continue;
		const struct icmphdr *icmp = (const struct icmphdr *)(packet + head);
		if (icmp->type == (is_v6(exec) ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) && icmp->un.echo.id == htons(IDENTITY) &&
		    icmp->un.echo.sequence == htons(sequence))
			return true;
	}
	return false;
}

int tool_ping(struct exec *exec)
{
	struct {
		struct icmphdr head;
		uint8_t payload[PAYLOAD];
	} echo = { .head = { .type = is_v6(exec) ? ICMP6_ECHO_REQUEST : ICMP_ECHO, .un.echo.id = htons(IDENTITY) } };
	const char *guest = exec_word(exec, WORD_GUEST_ADDRESS);
	union address address = tunnel_address(guest, 0);
	long count = parse_long(exec_word(exec, WORD_COUNT)), timeout = parse_long(exec_word(exec, WORD_TIMEOUT)), answered = 0;
	for (long number = 1; number <= count; number++) {
		uint16_t sequence = (uint16_t)number;
		if (number > 1)
			usleep(PAUSE_MS * 1000);
		exec->deadline = now_ms() + timeout;
		echo.head.un.echo.sequence = htons(sequence);
		/* The kernel's own for IPv6. */
		echo.head.checksum = 0;
		echo.head.checksum = checksum_end(checksum_add(&echo, sizeof echo, 0));
		double sent = now();
		if (sendto(exec->socket, &echo, sizeof echo, 0, &address.any, tunnel_address_size(&address)) < 0 ||
		    !await_reply(exec, sequence))
			continue;
		answered++;
		exec_say("%zu bytes from %s: seq=%ld time=%.2f ms\n", sizeof echo, guest, number, now() - sent);
	}
	if (answered == count)
		return 0;
	return exec_complain("%s answered %ld of %ld pings", guest, answered, count);
}

#define _GNU_SOURCE
#include "exec.h"

#include <arpa/inet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IDENTITY = 0x756b, PAYLOAD = 56, PAUSE_MS = 200 };

void ping_open(struct exec *exec)
{
	exec->socket = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (exec->socket < 0)
		fail_errno("could not open a socket for ICMP");
}

static uint16_t checksum(const void *data, size_t length)
{
	const uint16_t *words = data;
	uint32_t sum = 0;
	for (size_t i = 0; i < length / 2; i++)
		sum += words[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

/* Whether the reply to this one comes in time. */
static bool await_reply(const struct exec *exec, uint16_t sequence)
{
	uint8_t packet[2048];
	while (exec_wait(exec, exec->socket, POLLIN)) {
		ssize_t n = recv(exec->socket, packet, sizeof packet, 0);
		const struct iphdr *ip = (const struct iphdr *)packet;
		if (n < (ssize_t)sizeof *ip || n < ip->ihl * 4 + (ssize_t)sizeof(struct icmphdr))
			continue;
		const struct icmphdr *icmp = (const struct icmphdr *)(packet + ip->ihl * 4);
		if (icmp->type == ICMP_ECHOREPLY && icmp->un.echo.id == htons(IDENTITY) &&
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
	} echo = { .head = { .type = ICMP_ECHO, .un.echo.id = htons(IDENTITY) } };
	const char *guest = exec_word(exec, "guest-address");
	struct sockaddr_in address = { .sin_family = AF_INET };
	inet_pton(AF_INET, guest, &address.sin_addr);
	long count = parse_long(exec_word(exec, "count")), timeout = parse_long(exec_word(exec, "timeout")), answered = 0;
	for (uint16_t sequence = 1; sequence <= count; sequence++) {
		if (sequence > 1)
			usleep(PAUSE_MS * 1000);
		exec->deadline = now_ms() + timeout;
		echo.head.un.echo.sequence = htons(sequence);
		echo.head.checksum = 0;
		echo.head.checksum = checksum(&echo, sizeof echo);
		double sent = now();
		if (sendto(exec->socket, &echo, sizeof echo, 0, (struct sockaddr *)&address, sizeof address) < 0 ||
		    !await_reply(exec, sequence))
			continue;
		answered++;
		dprintf(1, "%zu bytes from %s: seq=%d time=%.2f ms\n", sizeof echo, guest, sequence, now() - sent);
	}
	if (answered == count)
		return 0;
	return exec_complain("%s answered %ld of %ld pings", guest, answered, count);
}

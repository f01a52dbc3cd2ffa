/* init's answers to a guest that asks for its addresses, for dhcp.test.ts: DIRECTIVES FRAME...; each answer in hexadecimal digits, or "none". */
#define _GNU_SOURCE
#include "network/network.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static struct dhcp dhcp;
	int ends[2];
	int file = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	if (file < 0 || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) < 0)
		return 2;
	static struct directives d;
	d = directives_read(file);
	dhcp_open(&dhcp, ends[0], &d);
	for (int i = 2; i < argc; i++) {
		uint8_t frame[2048];
		size_t length = 0;
		while (sscanf(argv[i] + 2 * length, "%2hhx", &frame[length]) == 1)
			length++;
		if (send(ends[1], frame, length, 0) < 0)
			return 2;
		dhcp_from_guest(&dhcp);
		ssize_t n = recv(ends[1], frame, sizeof frame, 0);
		for (ssize_t at = 0; at < n; at++)
			printf("%02x", frame[at]);
		puts(n < 0 ? "none" : "");
	}
	return 0;
}

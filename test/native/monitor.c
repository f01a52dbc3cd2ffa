/*
 * init's end of a VMM's monitor, for monitor.test.ts: STEP...; a step is "look", "ask LINE", or what the VMM says, in whatever pieces. After
 * each: what init sent, the answer that it took, and what it makes of the vCPU.
 */
#include "guest/guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	static struct monitor monitor;
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return 2;
	monitor.fd = ends[0];
	for (int i = 1; i < argc; i++) {
		char text[4096];
		if (!strcmp(argv[i], "look")) {
			monitor_look(&monitor);
		} else if (!strncmp(argv[i], "ask ", 4)) {
			snprintf(text, sizeof text, "%s\n", argv[i] + 4);
			monitor_forward(&monitor, text, -1);
		} else if (write(ends[1], argv[i], strlen(argv[i])) < 0 || !monitor_read(&monitor)) {
			return 2;
		}
		ssize_t n = read(ends[1], text, sizeof text);
		printf("%.*s|", n > 0 ? (int)n - 1 : 0, text);
		if (monitor.answer)
			printf("%s%s", monitor.refused ? "refused: " : "", monitor.answer);
		printf("|%s\n", monitor.halted ? "halted" : monitor.state == READY ? "ready" : "waits");
		free(monitor.answer);
		monitor.answer = NULL;
	}
	return 0;
}

#define _GNU_SOURCE
#include "exec.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* After the end of the input: how long a guest may think about its answer. */
enum { SILENCE_MS = 1000 };

/* Carries stdin to the guest's serial line and what the guest prints to stdout, until either ends. */
int tool_console(struct exec *exec)
{
	char chunk[4096];
	bool input = true;
	for (;;) {
		struct pollfd fds[] = { { exec->given, POLLIN, 0 }, { input ? 0 : -1, POLLIN, 0 } };
		int n = poll(fds, 2, input ? -1 : SILENCE_MS);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return 1;
		if (n > 0 && fds[0].revents) {
			ssize_t got = read(exec->given, chunk, sizeof chunk);
			if (got == 0)
				return exec_complain("the console was taken by somebody else, or the machine has ended");
			if (got < 0 || !write_all(1, chunk, (size_t)got))
				return 1;
		}
		if (n > 0 && fds[1].revents) {
			ssize_t got = read(0, chunk, sizeof chunk);
			if (got <= 0)
				input = false;
			else if (!write_all(exec->given, chunk, (size_t)got))
				return 1;
		}
	}
}

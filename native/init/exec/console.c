#define _GNU_SOURCE
#include "exec/tool.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* After the end of the input: how long a guest may think about its answer. */
enum { SILENCE_MS = 1000 };

struct typed {
	char data[4096];
	size_t used;
	bool ended;
};

/* Whatever keeps stdin from being read is its end. */
static void read_typed(struct typed *typed)
{
	ssize_t n = read(0, typed->data, sizeof typed->data);
	typed->used = n > 0 ? (size_t)n : 0;
	typed->ended = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
}

/* False where the console is gone. */
static bool send_typed(const struct exec *exec, struct typed *typed)
{
	ssize_t n = send(exec->given, typed->data, typed->used, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	typed->used -= (size_t)n;
	memmove(typed->data, typed->data + n, typed->used);
	return true;
}

/*
 * Carries stdin to the guest's serial line and what the guest prints to stdout, until either ends. Whoever types may take his
 * time; a guest that does not read what was typed, and after the end of the input one that goes on talking, has the timeout.
 */
int tool_console(struct exec *exec)
{
	long timeout = parse_long(exec_word(exec, WORD_TIMEOUT)), stuck_at = 0, silent_at = 0, end_at = 0;
	struct typed typed = { .used = 0 };
	for (;;) {
		struct pollfd fds[] = { { exec->given, (short)(POLLIN | (typed.used ? POLLOUT : 0)), 0 },
					{ typed.ended || typed.used ? -1 : 0, POLLIN, 0 } };
		long now = now_ms(), until = typed.used ? stuck_at : typed.ended ? sooner(silent_at, end_at) : -1;
		int n = poll(fds, 2, until < 0 ? -1 : until > now ? (int)(until - now) : 0);
		if (n < 0 && errno != EINTR)
			return 1;
		now = now_ms();
		if (n > 0 && fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
			char chunk[4096];
			ssize_t got = recv(exec->given, chunk, sizeof chunk, MSG_DONTWAIT);
			if (got == 0)
				return exec_complain("the console was taken by somebody else, or the machine has ended");
			if (got > 0 && !write_all(1, chunk, (size_t)got)) {
				exec_unsaid();
				return 1;
			}
			silent_at = now + SILENCE_MS;
		}
		if (n > 0 && fds[1].revents) {
			read_typed(&typed);
			stuck_at = now + timeout;
		} else if (n > 0 && fds[0].revents & POLLOUT) {
			if (!send_typed(exec, &typed))
				return exec_complain("the console was taken by somebody else, or the machine has ended");
			stuck_at = now + timeout;
		}
		if (typed.ended && !end_at) {
			silent_at = now + SILENCE_MS;
			end_at = now + timeout;
		}
		if (typed.used && now >= stuck_at)
			return exec_complain("the guest does not read what was typed");
		if (typed.ended && !typed.used && now >= sooner(silent_at, end_at))
			return 0;
	}
}

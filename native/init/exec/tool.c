#define _GNU_SOURCE
#include "exec/tool.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

const char *exec_word(const struct exec *exec, enum word word)
{
	const char *value = directives_get(&exec->words, word);
	return value ? value : "";
}

bool exec_wait(const struct exec *exec, int fd, short events)
{
	for (;;) {
		long left = exec->deadline - now_ms();
		struct pollfd each = { fd, events, 0 };
		int n = left > 0 ? poll(&each, 1, (int)left) : 0;
		if (n >= 0 || errno != EINTR)
			return n > 0;
	}
}

ssize_t exec_receive(const struct exec *exec, int fd, void *into, size_t size)
{
	for (;;) {
		if (!exec_wait(exec, fd, POLLIN)) {
			errno = ETIMEDOUT;
			return -1;
		}
		ssize_t n = recv(fd, into, size, 0);
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			return n;
	}
}

bool exec_receive_all(const struct exec *exec, int fd, void *into, size_t length)
{
	for (uint8_t *at = into; length;) {
		ssize_t n = exec_receive(exec, fd, at, length);
		if (n == 0)
			errno = 0;
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

bool exec_write(const struct exec *exec, int fd, const char *data, size_t length)
{
	while (length) {
		/* A pipe that can be written takes so much without waiting. */
		size_t piece = length < PIPE_BUF ? length : PIPE_BUF;
		if (!exec_wait(exec, fd, POLLOUT))
			return false;
		ssize_t n = write(fd, data, piece);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0) {
			data += n;
			length -= (size_t)n;
		}
	}
	return true;
}

/* errno of the first write that failed */
static int unsaid;

void exec_unsaid(void)
{
	unsaid = unsaid ? unsaid : errno;
}

void exec_say(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (!unsaid && vdprintf(1, format, arguments) < 0)
		exec_unsaid();
	va_end(arguments);
}

int exec_end(int code)
{
	/* As SIGPIPE, which is ignored here for the guest's connections, ends every tool whose reader has gone. */
	if (unsaid == EPIPE)
		return 128 + SIGPIPE;
	if (unsaid)
		exec_complain("can't write its answer to stdout (%s)", strerror(unsaid));
	return unsaid && !code ? 1 : code;
}

int exec_complain(const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	dprintf(2, "unikrun: %s\n", text);
	return 1;
}

int exec_code(const struct exec *exec, const char *kind)
{
	size_t cursor = 0, length = strlen(kind);
	struct directive each;
	while (directives_next(&exec->words, &cursor, &each))
		if (each.word == WORD_EXIT && !strncmp(each.value, kind, length) && each.value[length] == ' ')
			return (int)parse_long(each.value + length + 1);
	return 1;
}

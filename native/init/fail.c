#include "init.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int waiter = 2;

void fail_to(int fd)
{
	waiter = fd;
}

static void say(const char *format, va_list arguments, const char *reason)
{
	char text[1024] = "error ";
	size_t used = 6;
	int n = vsnprintf(text + used, sizeof text - used, format, arguments);
	if (n > 0)
		used += (size_t)n < sizeof text - used ? (size_t)n : sizeof text - used - 1;
	if (reason) {
		n = snprintf(text + used, sizeof text - used, ": %s", reason);
		if (n > 0)
			used += (size_t)n < sizeof text - used ? (size_t)n : sizeof text - used - 1;
	}
	(void)!write(waiter, text, used);
}

void fail(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	say(format, arguments, NULL);
	va_end(arguments);
	_exit(1);
}

void fail_errno(const char *format, ...)
{
	const char *reason = strerror(errno);
	va_list arguments;
	va_start(arguments, format);
	say(format, arguments, reason);
	va_end(arguments);
	_exit(1);
}

void tell(const char *format, ...)
{
	enum { PATIENCE_MS = 1000 };
	char text[2400];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	/* A log that nobody reads must not hold up the guest. */
	struct pollfd log = { 2, POLLOUT, 0 };
	if (poll(&log, 1, PATIENCE_MS) > 0)
		dprintf(2, "unikrun: %s\n", text);
}

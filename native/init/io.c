#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

bool write_all(int fd, const void *data, size_t length)
{
	const char *at = data;
	while (length) {
		ssize_t n = write(fd, at, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		length -= (size_t)n;
	}
	return true;
}

bool send_with(int socket, const struct iovec *pieces, size_t count, int fd, int flags)
{
	union {
		char space[CMSG_SPACE(sizeof fd)];
		struct cmsghdr align;
	} rights = { { 0 } };
	struct msghdr message = { .msg_iov = (struct iovec *)pieces, .msg_iovlen = count };
	if (fd >= 0) {
		message.msg_control = &rights;
		message.msg_controllen = sizeof rights;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL | flags) >= 0;
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fail_errno("could not open %s", path);
	if (write(fd, text, strlen(text)) < 0)
		fail_errno("could not write \"%s\" to %s", text, path);
	close(fd);
}

const char *copy_bytes(int to, int from, off_t offset, off_t size)
{
	for (off_t end = offset + size; offset < end;) {
		ssize_t n = sendfile(to, from, &offset, (size_t)(end - offset));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? strerror(errno) : "it has become shorter";
	}
	return NULL;
}

long parse_long(const char *text)
{
	char *end;
	errno = 0;
	long value = strtol(text, &end, 10);
	if (errno || end == text || *end)
		fail("\"%s\" is not a whole number", text);
	return value;
}

bool read_hex(uint8_t *into, const char *digits, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (sscanf(digits + 2 * i, "%2hhx", &into[i]) != 1)
			return false;
	return true;
}

long now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

long sooner(long until, long at)
{
	return until < 0 || at < until ? at : until;
}

#define _GNU_SOURCE
#include "exec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection to the guest, non-blocking; -1 after a complaint. */
static int connect_guest(struct exec *exec)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)parse_long(exec_word(exec, "port"))) };
	inet_pton(AF_INET, exec_word(exec, "guest-address"), &address.sin_addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), error = 0;
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS)
		error = errno;
	if (!error && !exec_wait(exec, fd, POLLOUT))
		error = ETIMEDOUT;
	socklen_t size = sizeof error;
	if (!error)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	if (!error)
		return fd;
	exec_complain("%s: %s", exec_word(exec, "name"), error == ECONNREFUSED ? "the guest has no server there (connection refused)"
			      : error == ETIMEDOUT ? "the guest did not answer in time" : strerror(error));
	return -1;
}

int tool_tcp(struct exec *exec)
{
	if (connect_guest(exec) < 0)
		return 1;
	dprintf(1, "%s is open\n", exec_word(exec, "name"));
	return 0;
}

static bool send_all(const struct exec *exec, int fd, const char *text)
{
	for (size_t left = strlen(text); left;) {
		if (!exec_wait(exec, fd, POLLOUT))
			return false;
		ssize_t n = send(fd, text, left, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n > 0) {
			text += n;
			left -= (size_t)n;
		}
	}
	return true;
}

/* Up to size bytes; 0 at the end of the stream, -1 where it breaks off or takes too long. */
static ssize_t receive(const struct exec *exec, int fd, char *into, size_t size)
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

/* The status code of a response's first line, and where its body begins; 0 where it is no response. */
static int read_head(const char *head, const char **body)
{
	int status = 0;
	const char *end = strstr(head, "\r\n\r\n");
	if (!end || sscanf(head, "HTTP/%*d.%*d %3d", &status) != 1)
		return 0;
	*body = end + 4;
	return status;
}

/* The request came whole; a response of 2xx or 3xx is a success. */
int tool_http(struct exec *exec)
{
	enum { HEAD_LIMIT = 32768 };
	static char data[HEAD_LIMIT + 1];
	const char *name = exec_word(exec, "name"), *body = NULL;
	int fd = connect_guest(exec), status = 0;
	if (fd < 0)
		return 1;
	if (!send_all(exec, fd, exec_word(exec, "request")))
		return exec_complain("%s: the guest did not take the request", name);
	size_t used = 0;
	ssize_t n = 1;
	while (!status && used < HEAD_LIMIT && (n = receive(exec, fd, data + used, HEAD_LIMIT - used)) > 0) {
		used += (size_t)n;
		data[used] = '\0';
		status = read_head(data, &body);
	}
	if (!status)
		return exec_complain("%s: %s", name, n < 0 ? strerror(errno) : "what the guest answered is no HTTP");
	if (!write_all(1, body, used - (size_t)(body - data)))
		return 1;
	while ((n = receive(exec, fd, data, HEAD_LIMIT)) > 0)
		if (!write_all(1, data, (size_t)n))
			return 1;
	if (n < 0)
		return exec_complain("%s: the answer broke off: %s", name, strerror(errno));
	if (status < 200 || status > 399)
		return exec_complain("%s: status %d", name, status);
	return 0;
}

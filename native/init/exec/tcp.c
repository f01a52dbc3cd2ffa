#define _GNU_SOURCE
#include "exec/tool.h"

#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LEAVE_MS = 500 };

void tcp_open(struct exec *exec)
{
	exec->socket = tunnel_socket(&exec->tunnel, SOCK_STREAM, 0);
}

int tcp_connect(struct exec *exec, const char *address)
{
	union address guest = tunnel_address(address, (uint16_t)parse_long(exec_word(exec, WORD_PORT)));
	const char *limit = directives_get(&exec->words, WORD_CONNECT_TIMEOUT);
	struct exec patience = *exec;
	if (limit && patience.deadline > now_ms() + parse_long(limit))
		patience.deadline = now_ms() + parse_long(limit);
	int error = 0;
	socklen_t size = sizeof error;
	if (connect(exec->socket, &guest.any, tunnel_address_size(&guest)) < 0 && errno != EINPROGRESS)
		error = errno;
	else if (!exec_wait(&patience, exec->socket, POLLOUT))
		error = ETIMEDOUT;
	else
		getsockopt(exec->socket, SOL_SOCKET, SO_ERROR, &error, &size);
	if (!error)
		return 0;
	exec_complain("%s: %s", exec_word(exec, WORD_NAME), error == ECONNREFUSED ? "the guest has no server there (connection refused)"
			      : error == ETIMEDOUT ? "the guest did not answer in time" : strerror(error));
	return exec_code(exec, error == ETIMEDOUT ? "late" : "unreached");
}

static bool is_closed(int fd)
{
	enum { TCP_CLOSED = 7 };
	struct tcp_info info;
	socklen_t size = sizeof info;
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0 || info.tcpi_state == TCP_CLOSED;
}

void tcp_finish(int fd)
{
	/* With what is unread the kernel would answer the guest's end by a reset, which it may take for an error. */
	char rest[4096];
	shutdown(fd, SHUT_WR);
	for (long until = now_ms() + LEAVE_MS; !is_closed(fd) && now_ms() < until;) {
		ssize_t n = recv(fd, rest, sizeof rest, MSG_DONTWAIT);
		if (n <= 0)
			poll(NULL, 0, 1);
	}
	/* A guest that does not close its end now hears a reset: it must not wait for us for minutes. */
	struct linger none = { .l_onoff = 1, .l_linger = 0 };
	if (!is_closed(fd))
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
	close(fd);
}

int tool_tcp(struct exec *exec)
{
	int code = tcp_connect(exec, exec_word(exec, WORD_GUEST_ADDRESS));
	if (code)
		return code;
	exec_say("%s is open\n", exec_word(exec, WORD_NAME));
	tcp_finish(exec->socket);
	return 0;
}

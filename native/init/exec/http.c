#define _GNU_SOURCE
#include "exec/tool.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum { HEAD_LIMIT = 32768 };

/* Up to size bytes; 0 at the end of the stream, -1 where it breaks off or takes too long. */
static ssize_t receive(const struct exec *exec, char *into, size_t size)
{
	for (;;) {
		if (!exec_wait(exec, exec->socket, POLLIN)) {
			errno = ETIMEDOUT;
			return -1;
		}
		ssize_t n = recv(exec->socket, into, size, 0);
		if (n >= 0 || (errno != EAGAIN && errno != EINTR))
			return n;
	}
}

struct response {
	int status; /* 0 as long as its head is not whole */
	const char *body;
	long long left; /* of the body; -1: until the connection ends */
};

/* Bytes of the body, by a header field's line; -1 where it does not say. */
static long long length_in(const char *line)
{
	static const char name[] = "content-length:";
	if (strncasecmp(line, name, sizeof name - 1))
		return -1;
	char *end;
	errno = 0;
	long long length = strtoll(line + sizeof name - 1, &end, 10);
	return errno || *end != '\r' || length < 0 ? -1 : length;
}

/* Only of what is there: the head ends with an empty line. False where it can't become a response. */
static bool read_head(const char *data, struct response *response)
{
	static const char version[] = "HTTP/1.";
	size_t there = strlen(data), compared = there < sizeof version - 1 ? there : sizeof version - 1;
	if (memcmp(data, version, compared))
		return false;
	const char *end = strstr(data, "\r\n\r\n");
	if (!end)
		return true;
	int status;
	if (sscanf(data, "HTTP/1.%*[0-9] %3d", &status) != 1 || status < 100 || status > 599)
		return false;
	*response = (struct response){ .status = status, .body = end + 4, .left = status == 204 || status == 304 ? 0 : -1 };
	for (const char *line = strstr(data, "\r\n"); line < end && response->left < 0; line = strstr(line + 2, "\r\n"))
		response->left = length_in(line + 2);
	return true;
}

/* As much of it as belongs to the body; false where nobody takes it. */
static bool pass_on(const struct exec *exec, struct response *response, const char *data, size_t length)
{
	if (response->left >= 0 && (long long)length > response->left)
		length = (size_t)response->left;
	if (response->left >= 0)
		response->left -= (long long)length;
	return exec_write(exec, 1, data, length);
}

static int get(struct exec *exec)
{
	static char data[HEAD_LIMIT + 1];
	const char *name = exec_word(exec, WORD_NAME), *request = exec_word(exec, WORD_REQUEST);
	struct response response = { 0 };
	size_t used = 0;
	ssize_t n = 1;
	if (!exec_write(exec, exec->socket, request, strlen(request)))
		return exec_complain("%s: the guest did not take the request", name);
	while (!response.status && used < HEAD_LIMIT && (n = receive(exec, data + used, HEAD_LIMIT - used)) > 0) {
		used += (size_t)n;
		data[used] = '\0';
		if (!read_head(data, &response))
			break;
	}
	if (!response.status && n < 0)
		return exec_complain("%s: %s", name, errno == ETIMEDOUT ? "the guest did not answer in time" : strerror(errno));
	if (!response.status)
		return exec_complain("%s: what the guest answered is no HTTP", name);
	bool taken = pass_on(exec, &response, response.body, used - (size_t)(response.body - data));
	while (taken && response.left && (n = receive(exec, data, HEAD_LIMIT)) > 0)
		taken = pass_on(exec, &response, data, (size_t)n);
	if (!taken)
		return exec_complain("%s: nobody takes what the guest answered", name);
	if (n < 0)
		return exec_complain("%s: the answer broke off: %s", name, errno == ETIMEDOUT ? "it was not whole in time" : strerror(errno));
	if (response.left > 0)
		return exec_complain("%s: the answer broke off: %lld bytes are missing", name, response.left);
	return response.status < 200 || response.status > 399 ? exec_complain("%s: status %d", name, response.status) : 0;
}

/* A response of 2xx or 3xx is a success. */
int tool_http(struct exec *exec)
{
	if (!tcp_connect(exec, exec_word(exec, WORD_GUEST_ADDRESS)))
		return 1;
	int code = get(exec);
	tcp_finish(exec->socket);
	return code;
}

#define _GNU_SOURCE
#include "exec/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_LIMIT = 32768 };

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
static bool pass_on(const struct exec *exec, struct response *response, const char *data, size_t length, bool shown)
{
	if (response->left >= 0 && (long long)length > response->left)
		length = (size_t)response->left;
	if (response->left >= 0)
		response->left -= (long long)length;
	return !shown || exec_write(exec, 1, data, length);
}

/* The code of what ended the answer: `n` of exec_receive. */
static int broken(const struct exec *exec, ssize_t n, const char *ended)
{
	return exec_code(exec, n >= 0 ? ended : errno == ETIMEDOUT ? "late" : "reset");
}

/* An answer whose head is in `data`, with `used` bytes of it and of what follows. */
static int judge(const struct exec *exec, struct response *response, char *data, size_t used)
{
	const char *name = exec_word(exec, WORD_NAME), *head = directives_get(&exec->words, WORD_HEAD);
	const char *body = exec_word(exec, WORD_BODY), *from = directives_get(&exec->words, WORD_FAILS_FROM);
	bool good = response->status >= 200 && response->status < (from ? parse_long(from) : 400);
	bool shown = !*body || (good && !strcmp(body, "good"));
	size_t head_length = (size_t)(response->body - data);
	ssize_t n = 1;
	if (!strcmp(exec_word(exec, WORD_METHOD), "HEAD"))
		response->left = 0;
	bool taken = !head || exec_write(exec, (int)parse_long(head), data, head_length);
	taken = taken && pass_on(exec, response, response->body, used - head_length, shown);
	while (taken && strcmp(body, "left") && (good || shown) && response->left && (n = exec_receive(exec, exec->socket, data, HEAD_LIMIT)) > 0)
		taken = pass_on(exec, response, data, (size_t)n, shown);
	if (!taken) {
		exec_complain("%s: nobody takes what the guest answered", name);
		return exec_code(exec, "untaken");
	}
	if (n < 0) {
		int code = broken(exec, n, "");
		exec_complain("%s: the answer broke off: %s", name, errno == ETIMEDOUT ? "it was not whole in time" : strerror(errno));
		return code;
	}
	if (!n && response->left > 0) {
		exec_complain("%s: the answer broke off: %lld bytes are missing", name, response->left);
		return exec_code(exec, "cut");
	}
	if (good)
		return 0;
	exec_complain("%s: status %d", name, response->status);
	return exec_code(exec, "status");
}

static int get(const struct exec *exec, struct response *response)
{
	static char data[HEAD_LIMIT + 1];
	const char *name = exec_word(exec, WORD_NAME), *request = exec_word(exec, WORD_REQUEST);
	size_t used = 0;
	ssize_t n = 1;
	if (!exec_write(exec, exec->socket, request, strlen(request))) {
		exec_complain("%s: the guest did not take the request", name);
		return exec_code(exec, "reset");
	}
	while (!response->status && used < HEAD_LIMIT && (n = exec_receive(exec, exec->socket, data + used, HEAD_LIMIT - used)) > 0) {
		used += (size_t)n;
		data[used] = '\0';
		if (!read_head(data, response))
			break;
	}
	if (response->status)
		return judge(exec, response, data, used);
	int code = broken(exec, n, used ? "senseless" : "empty");
	if (n < 0)
		exec_complain("%s: %s", name, errno == ETIMEDOUT ? "the guest did not answer in time" : strerror(errno));
	else
		exec_complain("%s: what the guest answered is no HTTP", name);
	return code;
}

static void print_after(const struct exec *exec, int status)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(&exec->words, &cursor, &each))
		if (each.word == WORD_AFTER)
			*each.value ? exec_say("%s", each.value) : exec_say("%03d", status);
}

/* A response of 2xx or 3xx is a success, unless the directives say otherwise. */
int tool_http(struct exec *exec)
{
	struct response response = { 0 };
	int code = tcp_connect(exec, exec_word(exec, WORD_GUEST_ADDRESS));
	if (!code) {
		code = get(exec, &response);
		tcp_finish(exec->socket);
	}
	print_after(exec, response.status);
	return code;
}

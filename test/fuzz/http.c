/* What a guest answers to one of exec's requests. */
#define _GNU_SOURCE
#include "exec/http.c"

#include "fuzz.h"

#include <unistd.h>

int tcp_connect(struct exec *exec, const char *address)
{
	(void)exec, (void)address;
	return 0;
}

void tcp_finish(int fd)
{
	close(fd);
}

void fuzz_once(struct input input)
{
	static char plain[] = "request\0GET / HTTP/1.0\r\n\r\n\0name\0it";
	static char another[] = "request\0GET / HTTP/1.0\r\n\r\n\0name\0it\0fails-from\0" "400\0head\0" "1\0body\0good\0after\0\0exit\0status 22";
	struct exec exec = { .deadline = now_ms() + 1000 };
	exec.words = input.left % 2 ? (struct directives){ another, sizeof another } : (struct directives){ plain, sizeof plain };
	struct response response = { 0 };
	const uint8_t *piece;
	size_t length;
	int ends[2];
	char *text = strndup((const char *)input.data, input.left);
	must(text);
	if (read_head(text, &response) && response.status)
		must(response.body >= text && response.body <= text + strlen(text));
	free(text);
	make_pair(ends, SOCK_STREAM);
	exec.socket = ends[0];
	while (take_piece(&input, &piece, &length))
		(void)!send(ends[1], piece, length, MSG_NOSIGNAL);
	shutdown(ends[1], SHUT_WR);
	tool_http(&exec);
	close(ends[1]);
}

const struct seed seeds[] = {
	SEED("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	SEED("\x13\0HTTP/1.0 404 No\r\n\r\nx\2\0yz"),
	SEED("\x2a\0HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabcd"),
	{ 0 },
};

/*
 * What stands at the other end of a guest's traffic, and in a container in its place:
 *   traffic serve PORT                            HTTP with one small page; takes all on PORT + 1, sends without end on PORT + 2
 *   traffic requests HOST PORT CONNECTIONS MS     keep-alive GETs of /keep, prints how many a second
 *   traffic send HOST PORT MS                     prints how many MB/s were taken
 *   traffic receive HOST PORT MS                  prints how many MB/s came
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MAX = 64 };

static char buffer[64 * 1024];

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int connect_to(const char *host, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int connection = socket(AF_INET, SOCK_STREAM, 0);
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 || connect(connection, (void *)&to, sizeof to))
		err(1, "%s port %s", host, port);
	return connection;
}

/* One page for each empty line: a request's end, which comes in one piece. */
static void answer(int connection)
{
	static const char page[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nkept\n";
	while (read(connection, buffer, sizeof buffer) > 0)
		if (write(connection, page, sizeof page - 1) < 0)
			return;
}

static void take(int connection)
{
	while (read(connection, buffer, sizeof buffer) > 0)
		;
}

static void give(int connection)
{
	while (write(connection, buffer, sizeof buffer) > 0)
		;
}

static void serve(int port, void (*use)(int connection))
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	if (fork())
		return;
	if (bind(listener, (void *)&at, sizeof at) || listen(listener, 64))
		err(1, "port %d", port);
	for (;;) {
		int connection = accept(listener, NULL, NULL);
		if (connection >= 0 && !fork()) {
			use(connection);
			_exit(0);
		}
		close(connection);
	}
}

/* An answer ends with its body, which the answers here have in the segment of their header. */
static void ask(int connection)
{
	static const char request[] = "GET /keep HTTP/1.1\r\nHost: bench\r\n\r\n";
	if (write(connection, request, sizeof request - 1) < 0)
		err(1, "a request");
}

static void requests(char **arguments)
{
	struct pollfd connections[CONNECTIONS_MAX];
	int count = atoi(arguments[2]), done = 0;
	if (count > CONNECTIONS_MAX)
		errx(1, "at most %d connections", CONNECTIONS_MAX);
	for (int i = 0; i < count; i++)
		connections[i] = (struct pollfd){ connect_to(arguments[0], arguments[1]), POLLIN, 0 };
	double begin = seconds(), end = begin + atof(arguments[3]) / 1000;
	for (int i = 0; i < count; i++)
		ask(connections[i].fd);
	while (seconds() < end) {
		poll(connections, (nfds_t)count, 100);
		for (int i = 0; i < count; i++) {
			if (!connections[i].revents)
				continue;
			ssize_t length = read(connections[i].fd, buffer, sizeof buffer);
			if (length <= 0)
				errx(1, "the server hung up");
			if (memmem(buffer, (size_t)length, "kept\n", 5)) {
				done++;
				ask(connections[i].fd);
			}
		}
	}
	printf("%.0f\n", done / (seconds() - begin));
}

static void bulk(char **arguments, ssize_t (*move)(int connection))
{
	int connection = connect_to(arguments[0], arguments[1]);
	double begin = seconds(), end = begin + atof(arguments[2]) / 1000, moved = 0;
	while (seconds() < end) {
		ssize_t length = move(connection);
		if (length <= 0)
			errx(1, "the server hung up");
		moved += (double)length;
	}
	printf("%.2f\n", moved / 1e6 / (seconds() - begin));
}

static ssize_t send_part(int connection)
{
	return write(connection, buffer, sizeof buffer);
}

static ssize_t receive_part(int connection)
{
	return read(connection, buffer, sizeof buffer);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	signal(SIGPIPE, SIG_IGN);
	if (!strcmp(what, "serve")) {
		signal(SIGCHLD, SIG_IGN);
		serve(atoi(argv[2]), answer);
		serve(atoi(argv[2]) + 1, take);
		serve(atoi(argv[2]) + 2, give);
		for (;;)
			pause();
	} else if (!strcmp(what, "requests") && argc == 6)
		requests(argv + 2);
	else if (!strcmp(what, "send") && argc == 5)
		bulk(argv + 2, send_part);
	else if (!strcmp(what, "receive") && argc == 5)
		bulk(argv + 2, receive_part);
	else
		errx(2, "traffic serve|requests|send|receive ...");
}

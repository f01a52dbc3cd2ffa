/* Answers every request with a file of the image: web [FILE], on the port that PORT names. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char page[65536];

static int complain(const char *what)
{
	perror(what);
	return 1;
}

static void answer(int client, size_t length)
{
	char request[2048], head[128];
	if (read(client, request, sizeof request) <= 0)
		return;
	int n = snprintf(head, sizeof head,
			 "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", length);
	if (write(client, head, (size_t)n) == n && write(client, page, length) < 0)
		perror("write");
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/web/index.html", *port = getenv("PORT");
	FILE *file = fopen(path, "r");
	if (!file)
		return complain(path);
	size_t length = fread(page, 1, sizeof page, file);
	fclose(file);
	struct sockaddr_in own = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port ? port : "8080")) };
	int server = socket(AF_INET, SOCK_STREAM, 0);
	if (server < 0 || bind(server, (struct sockaddr *)&own, sizeof own) < 0 || listen(server, 8) < 0)
		return complain("socket");
	printf("web: %zu bytes of %s on port %d\n", length, path, ntohs(own.sin_port));
	fflush(stdout);
	for (;;) {
		int client = accept(server, NULL, NULL);
		if (client < 0)
			return complain("accept");
		answer(client, length);
		close(client);
	}
}

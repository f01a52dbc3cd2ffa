#define _GNU_SOURCE
#include "exec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DNS_PORT = 53,
	/* Answers to these ports reach the namespace's own stack (runtime/network/resolver.ts). */
	FIRST_PORT = 0x7000, PORTS = 0x400,
	TYPE_A = 1, TYPE_AAAA = 28,
	NOERROR = 0, NXDOMAIN = 3,
	TRY_MS = 2000,
};

/* Of the name server's family; bound to a port of ours. */
void dns_open(struct exec *exec)
{
	const char *server = exec_word(exec, "server");
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(DNS_PORT) };
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(DNS_PORT) };
	bool is_v6 = inet_pton(AF_INET6, server, &v6.sin6_addr) == 1;
	if (!is_v6 && inet_pton(AF_INET, server, &v4.sin_addr) != 1)
		fail("the name server \"%s\" is no address", server);
	exec->socket = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint16_t first;
	if (exec->socket < 0 || getrandom(&first, sizeof first, 0) != sizeof first)
		fail_errno("could not open a socket for look-ups");
	for (int i = 0; i < PORTS; i++) {
		uint16_t port = htons((uint16_t)(FIRST_PORT + (first + i) % PORTS));
		struct sockaddr_in6 own6 = { .sin6_family = AF_INET6, .sin6_port = port };
		struct sockaddr_in own4 = { .sin_family = AF_INET, .sin_port = port };
		int bound = is_v6 ? bind(exec->socket, (struct sockaddr *)&own6, sizeof own6)
				  : bind(exec->socket, (struct sockaddr *)&own4, sizeof own4);
		if (bound == 0)
			break;
	}
	int connected = is_v6 ? connect(exec->socket, (struct sockaddr *)&v6, sizeof v6)
			      : connect(exec->socket, (struct sockaddr *)&v4, sizeof v4);
	if (connected < 0)
		fail_errno("could not reach the name server %s", server);
}

/* The length of the query, 0 where the name can't be asked for. */
static size_t make_query(uint8_t *query, uint16_t id, const char *name, uint16_t type)
{
	const uint8_t head[12] = { (uint8_t)(id >> 8), (uint8_t)id, 1 /* recursion desired */, 0, 0, 1 };
	memcpy(query, head, sizeof head);
	size_t at = sizeof head;
	while (*name) {
		size_t label = strcspn(name, ".");
		if (!label || label > 63 || at + label > 260)
			return 0;
		query[at++] = (uint8_t)label;
		memcpy(query + at, name, label);
		at += label;
		name += label + (name[label] == '.');
	}
	const uint8_t tail[5] = { 0, (uint8_t)(type >> 8), (uint8_t)type, 0, 1 };
	memcpy(query + at, tail, sizeof tail);
	return at + sizeof tail;
}

/* Past the name at `at`; beyond `length` where there is none. */
static size_t skip_name(const uint8_t *message, size_t length, size_t at)
{
	while (at < length && message[at]) {
		if (message[at] >= 0xc0)
			return at + 2;
		at += 1U + message[at];
	}
	return at + 1;
}

static uint16_t word_at(const uint8_t *message, size_t at)
{
	return (uint16_t)(message[at] << 8 | message[at + 1]);
}

/* Prints the addresses of an answer, one on a line; how many. */
static int print_addresses(const uint8_t *message, size_t length, uint16_t type)
{
	int found = 0;
	size_t at = skip_name(message, length, 12) + 4;
	for (int left = word_at(message, 6); left > 0; left--) {
		at = skip_name(message, length, at);
		if (at + 10 > length)
			break;
		uint16_t got = word_at(message, at), size = word_at(message, at + 8);
		at += 10;
		if (at + size > length)
			break;
		char text[INET6_ADDRSTRLEN];
		if (got == type && size == (type == TYPE_A ? 4 : 16) &&
		    inet_ntop(type == TYPE_A ? AF_INET : AF_INET6, message + at, text, sizeof text)) {
			dprintf(1, "%s\n", text);
			found++;
		}
		at += size;
	}
	return found;
}

/* The rcode, -1 where no answer comes; the addresses are printed. */
static int ask(struct exec *exec, const char *name, uint16_t type, int *found)
{
	uint8_t query[300], answer[4096];
	uint16_t id;
	if (getrandom(&id, sizeof id, 0) != sizeof id)
		return -1;
	size_t size = make_query(query, id, name, type);
	if (!size)
		return NXDOMAIN;
	long end = exec->deadline;
	while (now_ms() < end) {
		if (send(exec->socket, query, size, 0) < 0 && errno != ECONNREFUSED)
			return -1;
		exec->deadline = now_ms() + TRY_MS < end ? now_ms() + TRY_MS : end;
		while (exec_wait(exec, exec->socket, POLLIN)) {
			ssize_t n = recv(exec->socket, answer, sizeof answer, 0);
			if (n < 0 && errno == ECONNREFUSED)
				return -1;
			/* The question comes back, so a stray answer is known. */
			if (n < (ssize_t)size || word_at(answer, 0) != id || !(answer[2] & 0x80) ||
			    memcmp(answer + 12, query + 12, size - 12))
				continue;
			exec->deadline = end;
			*found = print_addresses(answer, (size_t)n, type);
			return answer[3] & 15;
		}
	}
	exec->deadline = end;
	return -1;
}

/* Each `name` in turn, until one has addresses. */
int tool_dns(struct exec *exec)
{
	uint16_t type = strcmp(exec_word(exec, "type"), "AAAA") ? TYPE_A : TYPE_AAAA;
	int rcode = NXDOMAIN, found = 0;
	const char *asked = "";
	size_t cursor = 0;
	struct directive each;
	while (!found && rcode != -1 && directives_next(&exec->words, &cursor, &each))
		if (!strcmp(each.key, "name")) {
			asked = each.value;
			rcode = ask(exec, asked, type, &found);
		}
	if (found)
		return 0;
	const char *server = exec_word(exec, "server"), *kind = type == TYPE_A ? "A" : "AAAA";
	if (rcode == -1)
		return exec_complain("%s: the name server %s did not answer", asked, server);
	if (rcode == NXDOMAIN)
		return exec_complain("%s: there is no such name (NXDOMAIN), says the name server %s", asked, server);
	if (rcode == NOERROR)
		return exec_complain("%s: has no %s address, says the name server %s", asked, kind, server);
	return exec_complain("%s: the name server %s failed (code %d)", asked, server, rcode);
}

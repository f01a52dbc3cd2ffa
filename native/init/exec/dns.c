#define _GNU_SOURCE
#include "exec/tool.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	TYPE_A = 1, TYPE_AAAA = 28,
	NOERROR = 0, NXDOMAIN = 3,
	TRUNCATED = 0x02, CUT = 16 /* beside the rcodes */,
	TRY_MS = 2000, SERVER_LIMIT = 3, QUERY_ROOM = 300,
};

struct server {
	const char *name;
	union address address;
	int socket;
	int stream; /* for what is too long for the other; -1: it was of no use */
	bool is_connected;
};

static struct {
	struct server each[SERVER_LIMIT];
	size_t count;
} servers;

/* To any port that is free of those whose answers reach the namespace's own stack (runtime/network/resolver.ts). */
static void take_port(int fd, union address own)
{
	uint16_t first;
	if (getrandom(&first, sizeof first, 0) != sizeof first)
		fail_errno("could not choose a port for look-ups");
	for (int i = 0; i < LOOKUP_PORTS; i++) {
		/* At the same place in both families. */
		own.v4.sin_port = htons((uint16_t)(FIRST_LOOKUP_PORT + (first + i) % LOOKUP_PORTS));
		if (bind(fd, &own.any, tunnel_address_size(&own)) == 0)
			return;
	}
	fail_errno("could not get a port for look-ups");
}

static int open_socket(const union address *server, int type)
{
	int fd = socket(server->any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		fail_errno("could not open a socket for look-ups");
	take_port(fd, (union address){ .any.sa_family = server->any.sa_family });
	return fd;
}

/* Two sockets for each of the name servers: later there are none to be had. */
void dns_open(struct exec *exec)
{
	size_t cursor = 0;
	struct directive each;
	while (servers.count < SERVER_LIMIT && directives_next(&exec->words, &cursor, &each)) {
		if (each.word != WORD_SERVER)
			continue;
		union address address = tunnel_address(each.value, DNS_PORT);
		struct server *server = &servers.each[servers.count++];
		*server = (struct server){ .name = each.value, .address = address, .socket = open_socket(&address, SOCK_DGRAM),
					   .stream = open_socket(&address, SOCK_STREAM) };
		/* One that there is no way to just does not answer. */
		(void)!connect(server->socket, &address.any, tunnel_address_size(&address));
	}
	if (!servers.count)
		fail("there is no name server to ask");
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
			exec_say("%s\n", text);
			found++;
		}
		at += size;
	}
	return found;
}

/* The question comes back, so a stray answer is known. */
static bool is_answer(const uint8_t *answer, size_t length, const uint8_t *query, size_t size)
{
	return length >= size && !memcmp(answer, query, 2) && answer[2] & 0x80 && !memcmp(answer + 12, query + 12, size - 12);
}

/* The answer's length, 0 for none. */
static size_t ask_by_stream(struct exec *exec, struct server *server, const uint8_t *query, size_t size, uint8_t answer[FRAME_MOST])
{
	char message[2 + QUERY_ROOM] = { (char)(size >> 8), (char)size };
	uint8_t length[2];
	memcpy(message + 2, query, size);
	if (server->stream < 0)
		return 0;
	if (!server->is_connected)
		(void)!connect(server->stream, &server->address.any, tunnel_address_size(&server->address));
	server->is_connected = true;
	if (exec_write(exec, server->stream, message, 2 + size) && exec_receive_all(exec, server->stream, length, sizeof length)) {
		size_t whole = word_at(length, 0);
		if (exec_receive_all(exec, server->stream, answer, whole) && is_answer(answer, whole, query, size))
			return whole;
	}
	close(server->stream);
	server->stream = -1;
	return 0;
}

/* What a server says within a while, -1 if nothing; the addresses are printed. */
static int ask_one(struct exec *exec, struct server *server, const uint8_t *query, size_t size, uint16_t type, int *found)
{
	static uint8_t answer[FRAME_MOST];
	if (send(server->socket, query, size, 0) < 0)
		return -1;
	for (ssize_t n; (n = exec_receive(exec, server->socket, answer, sizeof answer)) >= 0;) {
		if (!is_answer(answer, (size_t)n, query, size))
			continue;
		size_t length = answer[2] & TRUNCATED ? ask_by_stream(exec, server, query, size, answer) : (size_t)n;
		if (!length)
			return CUT;
		*found = print_addresses(answer, length, type);
		return answer[3] & 15;
	}
	return -1;
}

/* The rcode, -1 where no answer comes. The servers are asked in turn, twice, as a guest does. */
static int ask(struct exec *exec, const char *name, uint16_t type, int *found, const char **server)
{
	uint8_t query[QUERY_ROOM];
	uint16_t id;
	if (getrandom(&id, sizeof id, 0) != sizeof id)
		return -1;
	size_t size = make_query(query, id, name, type);
	if (!size)
		return NXDOMAIN;
	long end = exec->deadline;
	int rcode = -1;
	for (size_t i = 0; i < 2 * servers.count && now_ms() < end; i++) {
		*server = servers.each[i % servers.count].name;
		exec->deadline = now_ms() + TRY_MS < end ? now_ms() + TRY_MS : end;
		int got = ask_one(exec, &servers.each[i % servers.count], query, size, type, found);
		if (got == NOERROR || got == NXDOMAIN) {
			exec->deadline = end;
			return got;
		}
		rcode = got >= 0 ? got : rcode;
	}
	exec->deadline = end;
	return rcode;
}

/* Each `name` in turn, until one has addresses. */
int tool_dns(struct exec *exec)
{
	uint16_t type = strcmp(exec_word(exec, WORD_TYPE), "AAAA") ? TYPE_A : TYPE_AAAA;
	int rcode = NXDOMAIN, found = 0;
	const char *asked = "", *server = servers.each[0].name;
	size_t cursor = 0;
	struct directive each;
	while (!found && rcode != -1 && directives_next(&exec->words, &cursor, &each))
		if (each.word == WORD_NAME) {
			asked = each.value;
			rcode = ask(exec, asked, type, &found, &server);
		}
	if (found)
		return 0;
	const char *kind = type == TYPE_A ? "A" : "AAAA";
	if (rcode == -1)
		return exec_complain("%s: the name server %s did not answer", asked, server);
	if (rcode == NXDOMAIN)
		return exec_complain("%s: there is no such name (NXDOMAIN), says the name server %s", asked, server);
	if (rcode == NOERROR)
		return exec_complain("%s: has no %s address, says the name server %s", asked, kind, server);
	if (rcode == CUT)
		return exec_complain("%s: its answer is too long for one by UDP, and the name server %s gives none by TCP", asked, server);
	return exec_complain("%s: the name server %s failed (code %d)", asked, server, rcode);
}

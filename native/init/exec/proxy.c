#define _GNU_SOURCE
#include "exec/syscalls.h"

#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * Directives, in their order: `connect` ADDRESS, where the port is `port`, and `left`, to wait until the connection of before is closed;
 * `memory` ADDRESS HEX and `now` ADDRESS, a struct timespec, for the next call, and `room` ADDRESS LENGTH for what it writes; `tolerate`
 * ERRNO… of the next call; `call` NUMBER ARGUMENT…, of which "@-N" is the result of the Nth call before, -1 if that failed; `last`
 * NUMBER ARGUMENT…, a call that has no answer; `about` WHAT, for complaints; `each` KIND ADDRESS NUMBER ARGUMENT…, a call that is made
 * until its result is 0, each time with what it left there for files.c, as many bytes as its result says; `unless` WHY, which is
 * complained of where the last call did not fail; `systems` ADDRESS, as many file systems as the last call says; `print` ADDRESS, what
 * the last call left there, as a line of hexadecimal on stdout.
 */
enum { CALLS = 64 };

struct proxy {
	struct client client;
	bool is_called; /* with these blocks */
	int64_t results[CALLS];
	size_t call_count;
	const char *tolerated, *about;
};

void proxy_open(struct exec *exec)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(&exec->words, &cursor, &each)) {
		if (each.word != WORD_CONNECT)
			continue;
		if (exec->socket_count == SOCKET_LIMIT)
			fail("too many connections to the guest");
		exec->sockets[exec->socket_count++] = tunnel_socket(&exec->tunnel, SOCK_STREAM, 0);
	}
}

/* The guest takes leave of the connection of before meanwhile. */
static bool connect_to(struct proxy *proxy, const char *address, size_t connection)
{
	struct exec *exec = proxy->client.exec;
	if (connection)
		shutdown(exec->socket, SHUT_WR);
	exec->socket = exec->sockets[connection];
	proxy->call_count = 0;
	return !tcp_connect(exec, address) && syscalls_greet(&proxy->client);
}

/* Before the next call's. */
static void forget_blocks(struct proxy *proxy)
{
	while (proxy->is_called && proxy->client.block_count)
		free(proxy->client.blocks[--proxy->client.block_count].bytes);
	proxy->is_called = false;
}

static bool add_block(struct proxy *proxy, enum word kind, const char *value)
{
	forget_blocks(proxy);
	if (proxy->client.block_count == BLOCKS)
		return syscalls_complain("too much memory for one call");
	struct block *block = &proxy->client.blocks[proxy->client.block_count];
	char *text;
	block->address = strtoull(value, &text, 10);
	text += *text == ' ';
	block->is_now = kind == WORD_NOW;
	bool is_room = kind == WORD_ROOM;
	block->length = block->is_now ? 2 * sizeof(int64_t) : is_room ? strtoul(text, NULL, 10) : strlen(text) / 2;
	block->bytes = calloc(1, block->length + 1);
	if (!block->bytes)
		return syscalls_complain("no memory");
	proxy->client.block_count++;
	return block->is_now || is_room || read_hex(block->bytes, text, block->length) || syscalls_complain("memory is not in hexadecimal");
}

static bool print_block(struct proxy *proxy, const char *value)
{
	struct block *block = syscalls_block(&proxy->client, strtoull(value, NULL, 10));
	if (!block)
		return syscalls_complain("there is nothing to print");
	char *text = malloc(2 * block->length + 2);
	if (!text)
		return syscalls_complain("no memory");
	for (size_t i = 0; i < block->length; i++)
		sprintf(text + 2 * i, "%02x", block->bytes[i]);
	strcpy(text + 2 * block->length, "\n");
	bool taken = exec_write(proxy->client.exec, 1, text, 2 * block->length + 1);
	free(text);
	return taken || syscalls_complain("nobody takes what it wrote");
}

static bool is_tolerated(const struct proxy *proxy, int32_t error)
{
	if (!proxy->tolerated)
		return false;
	for (const char *at = proxy->tolerated; *at; at += strspn(at, " ")) {
		char *end;
		if (strtol(at, &end, 10) == error)
			return true;
		if (end == at)
			return false;
		at = end;
	}
	return false;
}

static bool read_call(struct proxy *proxy, const char *value, struct system_call *call)
{
	char *at;
	call->number = (uint32_t)strtoul(value, &at, 10);
	call->count = 0;
	while (*at == ' ' && call->count < ARGUMENTS) {
		bool is_result = *++at == '@';
		long long argument = strtoll(at + is_result, &at, 10);
		if (is_result && (argument >= 0 || -argument > (long long)proxy->call_count))
			return syscalls_complain("there is no such result");
		call->arguments[call->count++] = is_result ? proxy->results[(long long)proxy->call_count + argument] : argument;
	}
	return (!*at && proxy->call_count < CALLS) || syscalls_complain("the call can't be understood");
}

/* The guest halts in it: it has our words when it has acknowledged them. */
static bool call_last(struct proxy *proxy, const char *value)
{
	struct system_call call;
	if (!read_call(proxy, value, &call) || !syscalls_send(&proxy->client, &call))
		return false;
	for (int unsent = 1; !ioctl(proxy->client.exec->socket, SIOCOUTQ, &unsent) && unsent; poll(NULL, 0, 1))
		if (now_ms() > proxy->client.exec->deadline)
			return syscalls_complain("it did not take its last call in time");
	return true;
}

static bool call(struct proxy *proxy, const char *value)
{
	struct system_call call;
	struct answer answer;
	forget_blocks(proxy);
	if (!read_call(proxy, value, &call) || !syscalls_ask(&proxy->client, &call, &answer))
		return false;
	if (answer.error && !is_tolerated(proxy, answer.error)) {
		const char *text = proxy->about ? files_error(answer.error) : NULL;
		if (text)
			exec_complain("%s: %s", proxy->about, text);
		else
			exec_complain("the guest's system call %u failed with its error %d", call.number, answer.error);
		return false;
	}
	proxy->results[proxy->call_count++] = answer.error ? -1 : answer.result;
	proxy->is_called = true;
	proxy->tolerated = NULL;
	return true;
}

static bool show(struct proxy *proxy, const char *kind, uint64_t address, int64_t length)
{
	struct block *block = syscalls_block(&proxy->client, address);
	if (!block || length < 0 || (size_t)length > block->length)
		return syscalls_complain("it did more than it was asked for");
	return files_print(proxy->client.exec, kind, block->bytes, (size_t)length) || syscalls_complain("nobody takes what it wrote, or it makes no sense");
}

/* Each call has as long as the first. */
static bool call_each(struct proxy *proxy, const char *value)
{
	char kind[16];
	unsigned long long address;
	int used = 0;
	if (sscanf(value, "%15s %llu %n", kind, &address, &used) != 2 || !used)
		return syscalls_complain("what to show can't be understood");
	for (;;) {
		proxy->is_called = false;
		proxy->client.exec->deadline = now_ms() + parse_long(exec_word(proxy->client.exec, WORD_TIMEOUT));
		if (!call(proxy, value + used))
			return false;
		int64_t result = proxy->results[--proxy->call_count];
		if (!result)
			return true;
		if (!show(proxy, kind, address, result))
			return false;
	}
}

static bool call_failed(const struct proxy *proxy, const char *why)
{
	if (proxy->call_count && proxy->results[proxy->call_count - 1] < 0)
		return true;
	exec_complain("%s: %s", proxy->about ? proxy->about : "the guest", why);
	return false;
}

static bool show_systems(struct proxy *proxy, const char *value)
{
	int64_t count = proxy->call_count ? proxy->results[proxy->call_count - 1] : 0;
	return show(proxy, "systems", strtoull(value, NULL, 10), count >= 0 && count < BODY ? count * FILE_SYSTEM : -1);
}

int tool_proxy(struct exec *exec)
{
	static struct proxy proxy;
	proxy.client.exec = exec;
	size_t cursor = 0, connection = 0;
	struct directive each;
	bool good = true;
	while (good && directives_next(&exec->words, &cursor, &each)) {
		if (each.word == WORD_CONNECT)
			good = connect_to(&proxy, each.value, connection++);
		else if (each.word == WORD_LEFT && connection > 1)
			tcp_finish(exec->sockets[connection - 2]);
		else if (each.word == WORD_MEMORY || each.word == WORD_ROOM || each.word == WORD_NOW)
			good = add_block(&proxy, each.word, each.value);
		else if (each.word == WORD_PRINT)
			good = print_block(&proxy, each.value);
		else if (each.word == WORD_TOLERATE)
			proxy.tolerated = each.value;
		else if (each.word == WORD_CALL)
			good = call(&proxy, each.value);
		else if (each.word == WORD_ABOUT)
			proxy.about = each.value;
		else if (each.word == WORD_EACH)
			good = call_each(&proxy, each.value);
		else if (each.word == WORD_UNLESS)
			good = call_failed(&proxy, each.value);
		else if (each.word == WORD_SYSTEMS)
			good = show_systems(&proxy, each.value);
		else if (each.word == WORD_LAST)
			return !call_last(&proxy, each.value);
	}
	if (!good)
		return 1;
	tcp_finish(exec->socket);
	return 0;
}

#define _GNU_SOURCE
#include "exec/tool.h"

#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/*
 * System calls in a rump kernel, by its server of remote ones (NetBSD's lib/librumpuser/rumpuser_sp.c and sp_common.c, protocol 0.4): we
 * send a call with its arguments, and while it runs the server asks for the memory that they point to. Both sides are
 * little-endian, so the structures are as on the wire.
 *
 * Directives, in their order: `connect` ADDRESS, where the port is `port`, and `left`, to wait until the connection of before is closed; `memory` ADDRESS HEX and `now` ADDRESS, a struct timespec,
 * for the next call, and `room` ADDRESS LENGTH for what it writes; `tolerate` ERRNO… of the next call; `call` NUMBER ARGUMENT…, of which "@-N" is the result of the Nth
 * call before, -1 if that failed; `last` NUMBER ARGUMENT…, a call that has no answer; `about` WHAT, for
 * complaints; `each` KIND ADDRESS NUMBER ARGUMENT…, a call that is made until its result is 0, each time with what it left
 * there for files.c, as many bytes as its result says; `unless` WHY, which is complained of where the last call did not fail; `systems` ADDRESS, as many file systems as the last call says; `print` ADDRESS, what the last call left there, as a line of hexadecimal on stdout.
 */
enum { REQUEST, RESPONSE, FAILURE };
enum { HANDSHAKE, CALL, COPYIN, COPYINSTR, COPYOUT, COPYOUTSTR };
enum { BLOCKS = 8, ARGUMENTS = 8, CALLS = 64, BODY = 16384, BANNER = 96 };

struct header {
	uint64_t length; /* of the message, this included */
	uint64_t number;
	uint16_t class, type;
	uint32_t word; /* a call's number, an error */
};
struct message {
	struct header header;
	uint8_t body[BODY];
};
struct memory {
	uint64_t length, address;
};
struct answer {
	int32_t error;
	uint32_t padding;
	int64_t result, second;
};

/* Memory that only the guest believes in. */
struct block {
	uint64_t address;
	uint8_t *bytes;
	size_t length;
	bool is_now;
};

struct client {
	struct exec *exec;
	uint64_t number; /* of our requests */
	struct block blocks[BLOCKS];
	size_t block_count;
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

static bool complain(const char *what)
{
	exec_complain("the guest's system calls: %s", what);
	return false;
}

static bool receive(const struct exec *exec, void *into, size_t length)
{
	if (exec_receive_all(exec, exec->socket, into, length))
		return true;
	return complain(!errno ? "it ended the connection" : errno == ETIMEDOUT ? "it did not answer in time" : strerror(errno));
}

static bool send_message(const struct exec *exec, struct header header, const void *body, size_t length)
{
	struct message message = { .header = header };
	if (length > sizeof message.body)
		return complain("what it asks for is too long");
	message.header.length = sizeof header + length;
	memcpy(message.body, body, length);
	return exec_write(exec, exec->socket, (const char *)&message, sizeof header + length) || complain("it takes nothing");
}

/* False where it is longer than any that we wait for. */
static bool receive_message(const struct exec *exec, struct message *message, size_t *length)
{
	if (!receive(exec, &message->header, sizeof message->header))
		return false;
	uint64_t whole = message->header.length;
	if (whole < sizeof message->header || whole > sizeof *message)
		return complain("it sent a message of a length that makes no sense");
	*length = whole - sizeof message->header;
	return receive(exec, message->body, *length);
}

static struct block *block_at(struct client *client, struct memory memory, bool is_text)
{
	for (size_t i = 0; i < client->block_count; i++) {
		struct block *block = &client->blocks[i];
		uint64_t offset = memory.address - block->address;
		if (memory.address >= block->address && offset < block->length &&
		    (is_text || memory.length <= block->length - offset))
			return block;
	}
	return NULL;
}

static bool give_memory(struct client *client, const struct header *request, struct memory memory)
{
	bool is_text = request->type == COPYINSTR;
	struct block *block = block_at(client, memory, is_text);
	if (!block)
		return complain("it asked for memory that it was not told of");
	if (block->is_now) {
		struct timespec now;
		clock_gettime(CLOCK_REALTIME, &now);
		int64_t fields[] = { now.tv_sec, now.tv_nsec };
		memcpy(block->bytes, fields, sizeof fields);
	}
	const uint8_t *bytes = block->bytes + (memory.address - block->address);
	size_t length = memory.length;
	if (is_text) {
		length = strnlen((const char *)bytes, block->length - (memory.address - block->address)) + 1;
		if (length > memory.length || bytes + length > block->bytes + block->length)
			return complain("it asked for a text as something shorter");
	}
	struct header answer = { .number = request->number, .class = RESPONSE, .type = request->type };
	return send_message(client->exec, answer, bytes, length);
}

/* Until the answer to our request is in `message`; meanwhile the guest has its questions. False after a complaint. */
static bool ask(struct client *client, uint16_t type, uint32_t word, const void *body, size_t size, struct message *message,
		size_t *length)
{
	struct header header = { .number = ++client->number, .class = REQUEST, .type = type, .word = word };
	if (!send_message(client->exec, header, body, size))
		return false;
	while (receive_message(client->exec, message, length)) {
		const struct header *got = &message->header;
		struct memory memory;
		if (got->class != REQUEST) {
			if (got->number != client->number)
				return complain("it answered what was not asked");
			return got->class == RESPONSE || complain("it refused the request");
		}
		if (*length < sizeof memory)
			return complain("it asked for less than memory");
		memcpy(&memory, message->body, sizeof memory);
		if (got->type == COPYOUT || got->type == COPYOUTSTR) {
			struct block *block = block_at(client, memory, false);
			if (!block || memory.length != *length - sizeof memory)
				return complain("it wrote to memory that it was not told of");
			memcpy(block->bytes + (memory.address - block->address), message->body + sizeof memory, memory.length);
		} else if (got->type != COPYIN && got->type != COPYINSTR) {
			return complain("it asked for what we do not have");
		} else if (!give_memory(client, got, memory)) {
			return false;
		}
	}
	return false;
}

/* The server's greeting comes by itself. */
static bool greet(struct client *client)
{
	static const char expected[] = "RUMPSP-0.4-NetBSD-", name[] = "unikrun";
	char banner[BANNER];
	size_t used = 0;
	while (used == 0 || banner[used - 1] != '\n') {
		if (used == sizeof banner)
			return complain("what it said is no greeting");
		if (!receive(client->exec, banner + used, 1))
			return false;
		used++;
	}
	if (used < sizeof expected || memcmp(banner, expected, sizeof expected - 1))
		return complain("it is no server of system calls of NetBSD's");
	struct message message;
	size_t length;
	int32_t error;
	if (!ask(client, HANDSHAKE, 0, name, sizeof name, &message, &length))
		return false;
	if (length < sizeof error)
		return complain("it did not say whether it takes us");
	memcpy(&error, message.body, sizeof error);
	return !error || complain("it does not take us");
}

/* The guest takes leave of the connection of before meanwhile. */
static bool connect_to(struct client *client, const char *address, size_t connection)
{
	struct exec *exec = client->exec;
	if (connection)
		shutdown(exec->socket, SHUT_WR);
	exec->socket = exec->sockets[connection];
	client->call_count = 0;
	return !tcp_connect(exec, address) && greet(client);
}

/* Before the next call's. */
static void forget_blocks(struct client *client)
{
	while (client->is_called && client->block_count)
		free(client->blocks[--client->block_count].bytes);
	client->is_called = false;
}

static bool add_block(struct client *client, enum word kind, const char *value)
{
	forget_blocks(client);
	if (client->block_count == BLOCKS)
		return complain("too much memory for one call");
	struct block *block = &client->blocks[client->block_count];
	char *text;
	block->address = strtoull(value, &text, 10);
	text += *text == ' ';
	block->is_now = kind == WORD_NOW;
	bool is_room = kind == WORD_ROOM;
	block->length = block->is_now ? 2 * sizeof(int64_t) : is_room ? strtoul(text, NULL, 10) : strlen(text) / 2;
	block->bytes = calloc(1, block->length + 1);
	if (!block->bytes)
		return complain("no memory");
	client->block_count++;
	return block->is_now || is_room || read_hex(block->bytes, text, block->length) || complain("memory is not in hexadecimal");
}

static bool print_block(struct client *client, const char *value)
{
	struct block *block = block_at(client, (struct memory){ 1, strtoull(value, NULL, 10) }, false);
	if (!block)
		return complain("there is nothing to print");
	char *text = malloc(2 * block->length + 2);
	if (!text)
		return complain("no memory");
	for (size_t i = 0; i < block->length; i++)
		sprintf(text + 2 * i, "%02x", block->bytes[i]);
	strcpy(text + 2 * block->length, "\n");
	bool taken = exec_write(client->exec, 1, text, 2 * block->length + 1);
	free(text);
	return taken || complain("nobody takes what it wrote");
}

static bool is_tolerated(const struct client *client, int32_t error)
{
	if (!client->tolerated)
		return false;
	for (const char *at = client->tolerated; *at; at += strspn(at, " ")) {
		char *end;
		if (strtol(at, &end, 10) == error)
			return true;
		if (end == at)
			return false;
		at = end;
	}
	return false;
}

struct words {
	uint32_t number;
	size_t count;
	int64_t arguments[ARGUMENTS];
};

static bool read_call(struct client *client, const char *value, struct words *words)
{
	char *at;
	words->number = (uint32_t)strtoul(value, &at, 10);
	words->count = 0;
	while (*at == ' ' && words->count < ARGUMENTS) {
		bool is_result = *++at == '@';
		long long argument = strtoll(at + is_result, &at, 10);
		if (is_result && (argument >= 0 || -argument > (long long)client->call_count))
			return complain("there is no such result");
		words->arguments[words->count++] = is_result ? client->results[(long long)client->call_count + argument] : argument;
	}
	return (!*at && client->call_count < CALLS) || complain("the call can't be understood");
}

/* The guest halts in it: it has our words when it has acknowledged them. */
static bool call_last(struct client *client, const char *value)
{
	struct words words;
	if (!read_call(client, value, &words))
		return false;
	struct header header = { .number = ++client->number, .class = REQUEST, .type = CALL, .word = words.number };
	if (!send_message(client->exec, header, words.arguments, words.count * sizeof *words.arguments))
		return false;
	for (int unsent = 1; !ioctl(client->exec->socket, SIOCOUTQ, &unsent) && unsent; poll(NULL, 0, 1))
		if (now_ms() > client->exec->deadline)
			return complain("it did not take its last call in time");
	return true;
}

static bool call(struct client *client, const char *value)
{
	struct words words;
	struct message message;
	size_t length;
	struct answer answer;
	forget_blocks(client);
	if (!read_call(client, value, &words))
		return false;
	uint32_t number = words.number;
	if (!ask(client, CALL, number, words.arguments, words.count * sizeof *words.arguments, &message, &length))
		return false;
	if (length < sizeof answer)
		return complain("its answer is too short");
	memcpy(&answer, message.body, sizeof answer);
	if (answer.error && !is_tolerated(client, answer.error)) {
		const char *text = client->about ? files_error(answer.error) : NULL;
		if (text)
			exec_complain("%s: %s", client->about, text);
		else
			exec_complain("the guest's system call %u failed with its error %d", number, answer.error);
		return false;
	}
	client->results[client->call_count++] = answer.error ? -1 : answer.result;
	client->is_called = true;
	client->tolerated = NULL;
	return true;
}

static bool show(struct client *client, const char *kind, uint64_t address, int64_t length)
{
	struct block *block = block_at(client, (struct memory){ 1, address }, false);
	if (!block || length < 0 || (size_t)length > block->length)
		return complain("it did more than it was asked for");
	return files_print(client->exec, kind, block->bytes, (size_t)length) || complain("nobody takes what it wrote, or it makes no sense");
}

/* Each call has as long as the first. */
static bool call_each(struct client *client, const char *value)
{
	char kind[16];
	unsigned long long address;
	int used = 0;
	if (sscanf(value, "%15s %llu %n", kind, &address, &used) != 2 || !used)
		return complain("what to show can't be understood");
	for (;;) {
		client->is_called = false;
		client->exec->deadline = now_ms() + parse_long(exec_word(client->exec, WORD_TIMEOUT));
		if (!call(client, value + used))
			return false;
		int64_t result = client->results[--client->call_count];
		if (!result)
			return true;
		if (!show(client, kind, address, result))
			return false;
	}
}

static bool call_failed(const struct client *client, const char *why)
{
	if (client->call_count && client->results[client->call_count - 1] < 0)
		return true;
	exec_complain("%s: %s", client->about ? client->about : "the guest", why);
	return false;
}

static bool show_systems(struct client *client, const char *value)
{
	int64_t count = client->call_count ? client->results[client->call_count - 1] : 0;
	return show(client, "systems", strtoull(value, NULL, 10), count >= 0 && count < BODY ? count * FILE_SYSTEM : -1);
}

int tool_proxy(struct exec *exec)
{
	static struct client client;
	client.exec = exec;
	size_t cursor = 0, connection = 0;
	struct directive each;
	bool good = true;
	while (good && directives_next(&exec->words, &cursor, &each)) {
		if (each.word == WORD_CONNECT)
			good = connect_to(&client, each.value, connection++);
		else if (each.word == WORD_LEFT && connection > 1)
			tcp_finish(exec->sockets[connection - 2]);
		else if (each.word == WORD_MEMORY || each.word == WORD_ROOM || each.word == WORD_NOW)
			good = add_block(&client, each.word, each.value);
		else if (each.word == WORD_PRINT)
			good = print_block(&client, each.value);
		else if (each.word == WORD_TOLERATE)
			client.tolerated = each.value;
		else if (each.word == WORD_CALL)
			good = call(&client, each.value);
		else if (each.word == WORD_ABOUT)
			client.about = each.value;
		else if (each.word == WORD_EACH)
			good = call_each(&client, each.value);
		else if (each.word == WORD_UNLESS)
			good = call_failed(&client, each.value);
		else if (each.word == WORD_SYSTEMS)
			good = show_systems(&client, each.value);
		else if (each.word == WORD_LAST)
			return !call_last(&client, each.value);
	}
	if (!good)
		return 1;
	tcp_finish(exec->socket);
	return 0;
}

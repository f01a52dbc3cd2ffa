#include "exec/syscalls.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { REQUEST, RESPONSE, FAILURE };
enum { HANDSHAKE, CALL, COPYIN, COPYINSTR, COPYOUT, COPYOUTSTR };
enum { BANNER = 96 };

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

bool syscalls_complain(const char *what)
{
	exec_complain("the guest's system calls: %s", what);
	return false;
}

static bool receive(const struct exec *exec, void *into, size_t length)
{
	if (exec_receive_all(exec, exec->socket, into, length))
		return true;
	return syscalls_complain(!errno ? "it ended the connection" : errno == ETIMEDOUT ? "it did not answer in time" : strerror(errno));
}

static bool send_message(const struct exec *exec, struct header header, const void *body, size_t length)
{
	struct message message = { .header = header };
	if (length > sizeof message.body)
		return syscalls_complain("what it asks for is too long");
	message.header.length = sizeof header + length;
	memcpy(message.body, body, length);
	return exec_write(exec, exec->socket, (const char *)&message, sizeof header + length) || syscalls_complain("it takes nothing");
}

/* False where it is longer than any that we wait for. */
static bool receive_message(const struct exec *exec, struct message *message, size_t *length)
{
	if (!receive(exec, &message->header, sizeof message->header))
		return false;
	uint64_t whole = message->header.length;
	if (whole < sizeof message->header || whole > sizeof *message)
		return syscalls_complain("it sent a message of a length that makes no sense");
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
		return syscalls_complain("it asked for memory that it was not told of");
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
			return syscalls_complain("it asked for a text as something shorter");
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
				return syscalls_complain("it answered what was not asked");
			return got->class == RESPONSE || syscalls_complain("it refused the request");
		}
		if (*length < sizeof memory)
			return syscalls_complain("it asked for less than memory");
		memcpy(&memory, message->body, sizeof memory);
		if (got->type == COPYOUT || got->type == COPYOUTSTR) {
			struct block *block = block_at(client, memory, false);
			if (!block || memory.length != *length - sizeof memory)
				return syscalls_complain("it wrote to memory that it was not told of");
			memcpy(block->bytes + (memory.address - block->address), message->body + sizeof memory, memory.length);
		} else if (got->type != COPYIN && got->type != COPYINSTR) {
			return syscalls_complain("it asked for what we do not have");
		} else if (!give_memory(client, got, memory)) {
			return false;
		}
	}
	return false;
}

/* The server's greeting comes by itself. */
bool syscalls_greet(struct client *client)
{
	static const char expected[] = "RUMPSP-0.4-NetBSD-", name[] = "unikrun";
	char banner[BANNER];
	size_t used = 0;
	while (used == 0 || banner[used - 1] != '\n') {
		if (used == sizeof banner)
			return syscalls_complain("what it said is no greeting");
		if (!receive(client->exec, banner + used, 1))
			return false;
		used++;
	}
	if (used < sizeof expected || memcmp(banner, expected, sizeof expected - 1))
		return syscalls_complain("it is no server of system calls of NetBSD's");
	struct message message;
	size_t length;
	int32_t error;
	if (!ask(client, HANDSHAKE, 0, name, sizeof name, &message, &length))
		return false;
	if (length < sizeof error)
		return syscalls_complain("it did not say whether it takes us");
	memcpy(&error, message.body, sizeof error);
	return !error || syscalls_complain("it does not take us");
}

static size_t size_of(const struct system_call *call)
{
	return call->count * sizeof *call->arguments;
}

bool syscalls_send(struct client *client, const struct system_call *call)
{
	struct header header = { .number = ++client->number, .class = REQUEST, .type = CALL, .word = call->number };
	return send_message(client->exec, header, call->arguments, size_of(call));
}

bool syscalls_ask(struct client *client, const struct system_call *call, struct answer *answer)
{
	struct message message;
	size_t length;
	if (!ask(client, CALL, call->number, call->arguments, size_of(call), &message, &length))
		return false;
	if (length < sizeof *answer)
		return syscalls_complain("its answer is too short");
	memcpy(answer, message.body, sizeof *answer);
	return true;
}

struct block *syscalls_block(struct client *client, uint64_t address)
{
	return block_at(client, (struct memory){ 1, address }, false);
}

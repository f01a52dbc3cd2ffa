/*
 * System calls in a rump kernel, by its server of remote ones (NetBSD's lib/librumpuser/rumpuser_sp.c and sp_common.c, protocol 0.4): we
 * send a call with its arguments, and while it runs the server asks for the memory that they point to. Both sides are
 * little-endian, so the structures are as on the wire. What fails is complained of, on stderr, and returns false.
 */
#ifndef UNIKRUN_SYSCALLS_H
#define UNIKRUN_SYSCALLS_H

#include "exec/tool.h"

enum { BLOCKS = 8, ARGUMENTS = 8, BODY = 16384 };

/* Memory that only the guest believes in. */
struct block {
	uint64_t address;
	uint8_t *bytes;
	size_t length;
	bool is_now; /* a struct timespec of when it asks */
};

struct client {
	struct exec *exec;
	uint64_t number; /* of our requests */
	struct block blocks[BLOCKS];
	size_t block_count;
};

struct system_call {
	uint32_t number;
	size_t count;
	int64_t arguments[ARGUMENTS];
};
struct answer {
	int32_t error;
	uint32_t padding;
	int64_t result, second;
};

bool syscalls_greet(struct client *client);
bool syscalls_ask(struct client *client, const struct system_call *call, struct answer *answer);
/* Without waiting for its answer. */
bool syscalls_send(struct client *client, const struct system_call *call);
/* NULL where there is no memory of ours at that address. */
struct block *syscalls_block(struct client *client, uint64_t address);
bool syscalls_complain(const char *what);

#endif

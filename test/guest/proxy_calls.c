/* The system calls by which a rump kernel gets another identity, writes what it keeps, shows its files, and ends, and no others; numbers and structures are NetBSD's. */
#include "proxy.h"

#include "config.h"
#include "ending.h"
#include "mounts.h"
#include "network.h"
#include "network_identity.h"

#include <stdlib.h>
#include <string.h>

enum { READ = 3, WRITE = 4, OPEN = 5, CLOSE = 6, SYNC = 36, IOCTL = 54, SYSCTL = 202, REBOOT = 208, GETVFSSTAT = 356, GETDENTS = 390, SOCKET = 394, CLOCK_SETTIME = 428 };
enum { NO_ENTRY = 2, BAD_DISK = 5, NO_DEVICE = 6, BAD_DESCRIPTOR = 9, NO_MEMORY = 12, INVALID = 22, TOO_MANY = 24, NO_TERMINAL = 25, NO_FAMILY = 47,
       NO_CALL = 78 };
enum { INET = 2, LINK = 18, INET6 = 24, ROUTE = 34, RANDOM = 1000 };
enum { FIRST_DESCRIPTOR = 3, NAME = 16 };

#define SIOCALIFADDR 0x8118691c
#define SIOCDLIFADDR 0x8118691e
#define SIOCAIFADDR 0x8040691a
#define SIOCDIFADDR 0x80906919
#define SIOCAIFADDR_IN6 0x8080696b
#define SIOCDIFADDR_IN6 0x81206919

struct proxy_told proxy_told;

static unsigned need(struct proxy_call *call, unsigned at, uint64_t address, uint64_t length, bool is_text)
{
	call->memory[at] = (struct proxy_memory){ .address = address, .length = length, .is_text = is_text };
	return length <= PROXY_MEMORY ? at + 1 : PROXY_MEMORIES + 1;
}

unsigned proxy_call_needs(struct proxy_call *call)
{
	const uint64_t *arguments = call->arguments;
	switch (call->number) {
	case WRITE:
		return need(call, 0, arguments[1], arguments[2], false);
	case OPEN:
		return need(call, 0, arguments[0], PROXY_MEMORY, true);
	case IOCTL:
		return need(call, 0, arguments[2], arguments[1] >> 16 & 0x1fff, false);
	case CLOCK_SETTIME:
		return need(call, 0, arguments[1], 16, false);
	case SYSCTL:
		if (need(call, 0, arguments[0], arguments[1] * sizeof(int32_t), false) > PROXY_MEMORIES)
			return PROXY_MEMORIES + 1;
		if (arguments[4])
			return need(call, 1, arguments[4], arguments[5], false);
		return arguments[3] ? need(call, 1, arguments[3], sizeof(uint64_t), false) : 1;
	default:
		return 0;
	}
}

static int open_descriptor(struct proxy_caller *caller, int kind, int64_t *result)
{
	for (int i = FIRST_DESCRIPTOR; i < PROXY_DESCRIPTORS; i++)
		if (!caller->open[i]) {
			caller->open[i] = kind;
			*result = i;
			return 0;
		}
	return TOO_MANY;
}

static int kind_of(const struct proxy_caller *caller, uint64_t descriptor)
{
	return descriptor < PROXY_DESCRIPTORS ? caller->open[descriptor] : 0;
}

static int run_socket(struct proxy_caller *caller, uint64_t family, int64_t *result)
{
	if (family != INET && family != LINK && family != INET6 && family != ROUTE)
		return NO_FAMILY;
	return open_descriptor(caller, (int)family, result);
}

/* struct if_laddrreq: flags at 16, a sockaddr_dl at 24 */
static int run_link(uint32_t request, const uint8_t *bytes)
{
	const uint8_t *link = bytes + 24;
	if (link[1] != LINK || link[6] != 6)
		return INVALID;
	const uint8_t *mac = link + 8 + link[5];
	if (request == SIOCDLIFADDR)
		return network_forget_mac(mac);
	return network_set_mac(mac, bytes[17] & 0x40);
}

static int run_ioctl(int kind, uint32_t request, const uint8_t *bytes)
{
	if (!kind)
		return BAD_DESCRIPTOR;
	if (memcmp(bytes, "vioif0", 7))
		return NO_DEVICE;
	if (kind == LINK && (request == SIOCALIFADDR || request == SIOCDLIFADDR))
		return run_link(request, bytes);
	const uint8_t *address = bytes + NAME;
	if (kind == INET && (request == SIOCAIFADDR || request == SIOCDIFADDR)) {
		if (address[0] != 16 || address[1] != INET)
			return INVALID;
		return request == SIOCDIFADDR ? network_remove_address(address + 4) : network_add_address(address + 4, address + 36);
	}
	if (kind == INET6 && (request == SIOCAIFADDR_IN6 || request == SIOCDIFADDR_IN6)) {
		if (address[0] != 28 || address[1] != INET6)
			return INVALID;
		/* Flags cannot be told, and an address is one for some time. */
		if (request == SIOCAIFADDR_IN6 && (address[84] || !address[56] || !address[104]))
			return INVALID;
		return request == SIOCDIFADDR_IN6 ? network_remove_link_local(address + 8) : network_set_link_local(address + 8);
	}
	return NO_TERMINAL;
}

/* A struct rt_msghdr that changes the default route: destination, gateway, mask and own address. */
static int run_route(const uint8_t *bytes, uint64_t length)
{
	enum { HEADER = 120, ADDRESS = 16, VERSION = 4, CHANGE = 3, WHICH = 0x27 };
	uint16_t whole = (uint16_t)(bytes[0] | bytes[1] << 8);
	if (length != HEADER + 4 * ADDRESS || whole != length || bytes[2] != VERSION || bytes[3] != CHANGE || bytes[12] != WHICH)
		return INVALID;
	return network_change_route(bytes + HEADER + ADDRESS + 4, bytes + HEADER + 3 * ADDRESS + 4);
}

static int run_write(int kind, const struct proxy_memory *memory, int64_t *result)
{
	int error = kind == ROUTE ? run_route(memory->bytes, memory->length) : kind == RANDOM ? 0 : BAD_DESCRIPTOR;
	if (error)
		return error;
	if (kind == RANDOM) {
		network_add_entropy(memory->bytes, memory->length);
		proxy_told.entropy += (unsigned)memory->length;
	}
	*result = (int64_t)memory->length;
	return 0;
}

/* As many as there is room for, each a struct rt_msghdr with a struct sockaddr_in and a struct sockaddr_dl. */
static int dump_neighbours(struct proxy_call *call)
{
	enum { HEADER = 120, LENGTH = 152 };
	struct proxy_memory *table = &call->written[0], *size = &call->written[1];
	uint64_t room;
	uint8_t address[4], mac[6];
	memcpy(&room, call->memory[1].bytes, sizeof room);
	*table = (struct proxy_memory){ .address = call->arguments[2] };
	for (unsigned i = 0; network_neighbour(&i, address, mac); i++) {
		if (table->length + LENGTH > room || table->length + LENGTH > PROXY_MEMORY)
			return NO_MEMORY;
		uint8_t *message = table->bytes + table->length;
		message[0] = LENGTH;
		message[2] = 4;
		message[HEADER] = 16;
		message[HEADER + 1] = INET;
		memcpy(message + HEADER + 4, address, sizeof address);
		message[HEADER + 16] = 14;
		message[HEADER + 17] = LINK;
		message[HEADER + 22] = sizeof mac;
		memcpy(message + HEADER + 24, mac, sizeof mac);
		table->length += LENGTH;
	}
	*size = (struct proxy_memory){ .address = call->arguments[3], .length = sizeof room };
	memcpy(size->bytes, &table->length, sizeof room);
	call->written_count = PROXY_MEMORIES;
	return 0;
}

static int run_sysctl(struct proxy_call *call)
{
	const int32_t hostname[] = { 1, 10 }, neighbours[] = { 4, ROUTE, 0, INET, 2, 0x400 };
	static char name[256];
	const struct proxy_memory *value = &call->memory[1];
	if (call->memory[0].length == sizeof neighbours && !memcmp(call->memory[0].bytes, neighbours, sizeof neighbours))
		return call->arguments[2] && call->arguments[3] ? dump_neighbours(call) : INVALID;
	if (call->memory[0].length != sizeof hostname || memcmp(call->memory[0].bytes, hostname, sizeof hostname))
		return NO_ENTRY;
	if (!call->arguments[4] || value->length >= sizeof name)
		return INVALID;
	memcpy(name, value->bytes, value->length);
	name[value->length] = '\0';
	config.hostname = name;
	return 0;
}

static int run_open(struct proxy_caller *caller, const char *path, uint64_t flags, int64_t *result)
{
	struct proxy_file file = { .at = 0 };
	int kind = RANDOM, error = strcmp(path, "/dev/urandom") ? proxy_open_file(&file, path, flags, &kind) : 0;
	if (!error)
		error = open_descriptor(caller, kind, result);
	if (!error)
		caller->files[*result] = file;
	return error;
}

int proxy_call_run(struct proxy_caller *caller, struct proxy_call *call, int64_t *result)
{
	const uint64_t *arguments = call->arguments;
	const struct proxy_memory *memory = &call->memory[0];
	switch (call->number) {
	case SOCKET:
		return run_socket(caller, arguments[0], result);
	case IOCTL:
		return run_ioctl(kind_of(caller, arguments[0]), (uint32_t)arguments[1], memory->bytes);
	case WRITE:
		return run_write(kind_of(caller, arguments[0]), memory, result);
	case OPEN:
		return run_open(caller, (const char *)memory->bytes, arguments[1], result);
	case READ:
		return proxy_read(call, kind_of(caller, arguments[0]), &caller->files[arguments[0] % PROXY_DESCRIPTORS], result);
	case GETDENTS:
		return proxy_list(call, kind_of(caller, arguments[0]), &caller->files[arguments[0] % PROXY_DESCRIPTORS], result);
	case GETVFSSTAT:
		return proxy_file_systems(call, result);
	case CLOSE:
		if (!kind_of(caller, arguments[0]))
			return BAD_DESCRIPTOR;
		caller->open[arguments[0]] = 0;
		return 0;
	case SYNC:
		return mounts_sync_all() ? 0 : BAD_DISK;
	case REBOOT:
		shut_down();
	case SYSCTL:
		return run_sysctl(call);
	case CLOCK_SETTIME:
		if (arguments[0])
			return INVALID;
		memcpy(&proxy_told.clock, memory->bytes, sizeof proxy_told.clock);
		return 0;
	default:
		return NO_CALL;
	}
}

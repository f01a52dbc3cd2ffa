/* The system calls by which a rump kernel's files are looked at; structures are NetBSD's: sys/sys/{dirent,statvfs}.h. */
#include "mounts.h"
#include "proxy.h"
#include "virtio_blk.h"

#include <string.h>

enum { IO = 5, NO_ENTRY = 2, BAD_DESCRIPTOR = 9, NO_FOLDER = 20, FOLDER_IT_IS = 21, READ_ONLY = 30, NAME_TOO_LONG = 63 };
enum { PLAIN = 1001, FOLDER = 1002, WANTS_FOLDER = 0x200000, WRITES = 3 };

int proxy_open_file(struct proxy_file *file, const char *path, uint64_t flags, int *kind)
{
	struct file_facts facts;
	if (strlen(path) >= sizeof file->path)
		return NAME_TOO_LONG;
	if (mounts_stat(path, &facts))
		return NO_ENTRY;
	if ((flags & WANTS_FOLDER) && facts.kind != FILE_FOLDER)
		return NO_FOLDER;
	if (flags & WRITES)
		return READ_ONLY;
	*kind = facts.kind == FILE_FOLDER ? FOLDER : PLAIN;
	strncpy(file->path, path, sizeof file->path);
	file->at = 0;
	return 0;
}

static struct proxy_memory *write_to(struct proxy_call *call, uint64_t address, uint64_t room)
{
	call->written_count = 1;
	call->written[0] = (struct proxy_memory){ .address = address, .length = room < PROXY_MEMORY ? room : PROXY_MEMORY };
	return &call->written[0];
}

int proxy_read(struct proxy_call *call, int kind, struct proxy_file *file, int64_t *result)
{
	if (kind != PLAIN)
		return kind == FOLDER ? FOLDER_IT_IS : BAD_DESCRIPTOR;
	struct proxy_memory *into = write_to(call, call->arguments[1], call->arguments[2]);
	long length = mounts_read(file->path, file->at, into->bytes, into->length);
	if (length < 0)
		return IO;
	into->length = (uint64_t)length;
	call->written_count = length > 0;
	file->at += (uint64_t)length;
	*result = length;
	return 0;
}

struct listing {
	struct proxy_memory *into;
	uint64_t skip, used, listed;
};

static void add_name(void *context, const char *name, enum file_kind kind, uint64_t size)
{
	enum { NAME = 13 };
	(void)size;
	struct listing *listing = context;
	uint16_t length = (uint16_t)strlen(name), record = (uint16_t)((NAME + length + 8) & ~7);
	if (listing->skip) {
		listing->skip--;
		return;
	}
	if (listing->used + record > listing->into->length)
		return;
	uint8_t *entry = listing->into->bytes + listing->used;
	const uint64_t inode = 1;
	memset(entry, 0, record);
	memcpy(entry, &inode, sizeof inode);
	memcpy(entry + 8, &record, sizeof record);
	memcpy(entry + 10, &length, sizeof length);
	entry[12] = kind == FILE_FOLDER ? 4 : 8;
	memcpy(entry + NAME, name, length);
	listing->used += record;
	listing->listed++;
}

int proxy_list(struct proxy_call *call, int kind, struct proxy_file *file, int64_t *result)
{
	if (kind != FOLDER)
		return kind == PLAIN ? NO_FOLDER : BAD_DESCRIPTOR;
	struct listing listing = { .into = write_to(call, call->arguments[1], call->arguments[2]), .skip = file->at };
	if (mounts_list(file->path, add_name, &listing))
		return IO;
	listing.into->length = listing.used;
	call->written_count = listing.used > 0;
	file->at += listing.listed;
	*result = (int64_t)listing.used;
	return 0;
}

struct systems {
	struct proxy_memory *into;
	uint64_t count;
};

static void add_system(void *context, const struct disk *disk, const char *type, const char *where)
{
	enum { SIZE = 2256, FRAGMENT = 16, BLOCKS = 32, TYPE = 172, ON = 204, UNIT = 1024 };
	struct systems *systems = context;
	if ((systems->count + 1) * SIZE > systems->into->length)
		return;
	uint8_t *each = systems->into->bytes + systems->count++ * SIZE;
	const uint64_t unit = UNIT, blocks = disk->bytes / UNIT;
	memset(each, 0, SIZE);
	memcpy(each + FRAGMENT, &unit, sizeof unit);
	memcpy(each + BLOCKS, &blocks, sizeof blocks);
	memcpy(each + TYPE, type, strlen(type));
	memcpy(each + ON, where, strlen(where));
}

int proxy_file_systems(struct proxy_call *call, int64_t *result)
{
	struct systems systems = { .into = write_to(call, call->arguments[0], call->arguments[1]) };
	mounts_each(add_system, &systems);
	call->written_count = systems.count > 0;
	systems.into->length = systems.count * 2256;
	*result = (int64_t)systems.count;
	return 0;
}

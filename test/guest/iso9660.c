/* ECMA-119, with the names and modes of Rock Ridge (IEEE P1282) where the image has them. */
#include "iso9660.h"

#include "memory.h"
#include "virtio_blk.h"

#include <stdlib.h>
#include <string.h>

enum { SECTOR = 2048, FIRST_DESCRIPTOR = 16, DESCRIPTORS_MAX = 16, NAME_ROOM = 256, FOLDER_LIMIT = 4 << 20, CONTINUATIONS_MAX = 8 };
enum { FLAG_FOLDER = 2, NAME_CONTINUES = 1, MODE_KIND = 0170000, MODE_FOLDER = 0040000, MODE_LINK = 0120000, MODE_PLAIN = 0100000 };

struct entry {
	uint32_t extent, size;
	enum file_kind kind;
	char name[NAME_ROOM];
};

struct iso {
	struct disk *disk;
	struct entry root;
	/* Rock Ridge is there; its fields start after this many bytes. */
	bool rock_ridge;
	uint8_t skip;
};

/* Sees one entry; true ends the walk. */
typedef bool (*visitor)(void *context, const struct entry *entry);

static uint32_t read32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void read_mode(struct entry *entry, uint32_t mode)
{
	switch (mode & MODE_KIND) {
	case MODE_FOLDER:
		entry->kind = FILE_FOLDER;
		break;
	case MODE_PLAIN:
		entry->kind = FILE_PLAIN;
		break;
	case MODE_LINK:
		entry->kind = FILE_LINK;
		break;
	default:
		entry->kind = FILE_OTHER;
	}
}

static void add_to_name(struct entry *entry, bool *started, const uint8_t *part, size_t length)
{
	size_t at = *started ? strlen(entry->name) : 0;
	*started = true;
	if (at + length >= NAME_ROOM)
		length = NAME_ROOM - 1 - at;
	memcpy(entry->name + at, part, length);
	entry->name[at + length] = '\0';
}

/* Reads the fields of a system use area, and of those that it goes on in. */
static void read_rock_ridge(const struct iso *iso, const uint8_t *area, size_t length, struct entry *entry)
{
	uint8_t sector[SECTOR];
	bool named = false;
	for (int areas = 0; areas < CONTINUATIONS_MAX; areas++) {
		uint32_t block = 0, offset = 0, next_length = 0;
		while (length >= 4 && area[2] >= 4 && area[2] <= length) {
			if (!memcmp(area, "NM", 2) && area[2] >= 5 && !(area[4] & ~NAME_CONTINUES))
				add_to_name(entry, &named, area + 5, area[2] - 5u);
			else if (!memcmp(area, "PX", 2) && area[2] >= 12)
				read_mode(entry, read32(area + 4));
			else if (!memcmp(area, "CE", 2) && area[2] >= 28) {
				block = read32(area + 4);
				offset = read32(area + 12);
				next_length = read32(area + 20);
			}
			length -= area[2];
			area += area[2];
		}
		if (!block || offset + next_length > SECTOR || !virtio_blk_read(iso->disk, (uint64_t)block * SECTOR, sector, SECTOR))
			return;
		area = sector + offset;
		length = next_length;
	}
}

/* Names without Rock Ridge: small letters, without the version. */
static void read_plain_name(struct entry *entry, const uint8_t *name, size_t length)
{
	size_t i = 0;
	for (; i < length && name[i] != ';'; i++)
		entry->name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
	if (i > 1 && entry->name[i - 1] == '.')
		i--;
	entry->name[i] = '\0';
}

static void read_record(const struct iso *iso, const uint8_t *record, struct entry *entry)
{
	entry->extent = read32(record + 2) + record[1];
	entry->size = read32(record + 10);
	entry->kind = record[25] & FLAG_FOLDER ? FILE_FOLDER : FILE_PLAIN;
	read_plain_name(entry, record + 33, record[32]);
	size_t used = 33u + record[32] + !(record[32] & 1) + iso->skip;
	if (iso->rock_ridge && used < record[0])
		read_rock_ridge(iso, record + used, record[0] - used, entry);
}

/* Walks over a folder's entries but "." and "..". */
static int walk(const struct iso *iso, const struct entry *folder, visitor visit, void *context)
{
	uint8_t *data = folder->size <= FOLDER_LIMIT ? malloc(folder->size + 1) : NULL;
	if (!data)
		return FILE_NO_MEMORY;
	int result = virtio_blk_read(iso->disk, (uint64_t)folder->extent * SECTOR, data, folder->size) ? 0 : FILE_IO;
	for (uint32_t at = 0; !result && at + 33 < folder->size;) {
		const uint8_t *record = data + at;
		/* Records do not cross sectors: a length of 0 fills the rest of one. */
		if (!record[0]) {
			at = (at / SECTOR + 1) * SECTOR;
			continue;
		}
		if (record[0] < 34 || at + record[0] > folder->size || 33u + record[32] > record[0])
			result = FILE_IO;
		else if (record[32] != 1 || record[33] > 1) {
			struct entry entry;
			read_record(iso, record, &entry);
			if (visit(context, &entry))
				break;
		}
		at += record[0];
	}
	free(data);
	return result;
}

/* Looks whether the root's "." has the SP field that announces Rock Ridge (or another use of SUSP). */
static void detect_rock_ridge(struct iso *iso)
{
	uint8_t sector[SECTOR];
	if (!virtio_blk_read(iso->disk, (uint64_t)iso->root.extent * SECTOR, sector, SECTOR) || sector[0] < 34 + 7)
		return;
	const uint8_t *area = sector + 34;
	iso->rock_ridge = !memcmp(area, "SP", 2) && area[4] == 0xbe && area[5] == 0xef;
	iso->skip = iso->rock_ridge ? area[6] : 0;
}

static void *open(struct disk *disk)
{
	uint8_t sector[SECTOR];
	for (unsigned i = 0; i < DESCRIPTORS_MAX; i++) {
		if (!virtio_blk_read(disk, (FIRST_DESCRIPTOR + i) * (uint64_t)SECTOR, sector, SECTOR) || memcmp(sector + 1, "CD001", 5) ||
		    sector[0] == 255)
			return NULL;
		if (sector[0] != 1)
			continue;
		/* A logical block of another size is allowed and never met. */
		if (sector[128] != (SECTOR & 0xff) || sector[129] != SECTOR >> 8)
			return NULL;
		struct iso *iso = memory_need(sizeof *iso);
		*iso = (struct iso){ .disk = disk };
		read_record(iso, sector + 156, &iso->root);
		detect_rock_ridge(iso);
		return iso;
	}
	return NULL;
}

struct search {
	const char *name;
	size_t length;
	struct entry found;
	bool hit;
};

static bool compare(void *context, const struct entry *entry)
{
	struct search *search = context;
	search->hit = !strncmp(entry->name, search->name, search->length) && !entry->name[search->length];
	if (search->hit)
		search->found = *entry;
	return search->hit;
}

static int find(const struct iso *iso, const char *path, struct entry *entry)
{
	*entry = iso->root;
	while (*path) {
		const char *slash = strchr(path, '/');
		struct search search = { .name = path, .length = slash ? (size_t)(slash - path) : strlen(path) };
		if (entry->kind != FILE_FOLDER)
			return FILE_NOT_FOLDER;
		int error = walk(iso, entry, compare, &search);
		if (error || !search.hit)
			return error ? error : FILE_MISSING;
		*entry = search.found;
		path += search.length + (slash != NULL);
	}
	return 0;
}

static int stat(void *state, const char *path, enum file_kind *kind, uint64_t *size)
{
	struct entry entry;
	int error = find(state, path, &entry);
	*kind = entry.kind;
	*size = entry.size;
	return error;
}

static long read(void *state, const char *path, uint64_t offset, void *into, size_t length)
{
	const struct iso *iso = state;
	struct entry entry;
	int error = find(iso, path, &entry);
	if (error)
		return error;
	if (entry.kind != FILE_PLAIN)
		return entry.kind == FILE_FOLDER ? FILE_IS_FOLDER : FILE_INVALID;
	if (offset >= entry.size)
		return 0;
	if (length > entry.size - offset)
		length = entry.size - offset;
	return virtio_blk_read(iso->disk, (uint64_t)entry.extent * SECTOR + offset, into, length) ? (long)length : FILE_IO;
}

struct listing {
	file_found found;
	void *context;
};

static bool pass_on(void *context, const struct entry *entry)
{
	const struct listing *listing = context;
	listing->found(listing->context, entry->name, entry->kind, entry->size);
	return false;
}

static int list(void *state, const char *path, file_found found, void *context)
{
	struct entry entry;
	struct listing listing = { found, context };
	int error = find(state, path, &entry);
	if (!error && entry.kind != FILE_FOLDER)
		error = FILE_NOT_FOLDER;
	return error ? error : walk(state, &entry, pass_on, &listing);
}

const struct filesystem iso9660 = { "cd9660", open, stat, read, list, NULL, NULL };

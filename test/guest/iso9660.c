/* ECMA-119, with the names and modes of Rock Ridge (IEEE P1282) where the image has them. */
#include "iso9660.h"

#include "memory.h"
#include "rock_ridge.h"
#include "rtc.h"
#include "virtio_blk.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_DESCRIPTOR = 16, DESCRIPTORS_MAX = 16, FOLDER_LIMIT = 4 << 20, FLAG_FOLDER = 2 };

struct iso {
	struct disk *disk;
	struct iso_entry root;
	/* Rock Ridge is there; its fields start after this many bytes. */
	bool rock_ridge;
	uint8_t skip;
};

/* Sees one entry; true ends the walk. */
typedef bool (*visitor)(void *context, const struct iso_entry *entry);

/* Seconds since 1970 of seven bytes: the years since 1900, the month and so on, and quarters of an hour east of UTC. */
static uint32_t read_time(const uint8_t *at)
{
	uint32_t days = rtc_days(1900u + at[0], at[1], at[2]);
	return ((days * 24 + at[3]) * 60 + at[4]) * 60 + at[5] - (uint32_t)((int8_t)at[6] * 900);
}

/* Names without Rock Ridge: small letters, without the version. */
static void read_plain_name(struct iso_entry *entry, const uint8_t *name, size_t length)
{
	size_t i = 0;
	for (; i < length && name[i] != ';'; i++)
		entry->name[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
	if (i > 1 && entry->name[i - 1] == '.')
		i--;
	entry->name[i] = '\0';
}

static void read_record(const struct iso *iso, const uint8_t *record, struct iso_entry *entry)
{
	entry->extent = iso_read32(record + 2) + record[1];
	entry->size = iso_read32(record + 10);
	entry->kind = record[25] & FLAG_FOLDER ? FILE_FOLDER : FILE_PLAIN;
	entry->mode = record[25] & FLAG_FOLDER ? 0555 : 0444;
	entry->uid = entry->gid = 0;
	entry->modified = read_time(record + 18);
	entry->target[0] = '\0';
	read_plain_name(entry, record + 33, record[32]);
	size_t used = 33u + record[32] + !(record[32] & 1) + iso->skip;
	if (iso->rock_ridge && used < record[0])
		rock_ridge_read(iso->disk, record + used, record[0] - used, entry);
}

/* Walks over a folder's entries but "." and "..". */
static int walk(const struct iso *iso, const struct iso_entry *folder, visitor visit, void *context)
{
	uint8_t *data = folder->size <= FOLDER_LIMIT ? malloc(folder->size + 1) : NULL;
	if (!data)
		return FILE_NO_MEMORY;
	int result = virtio_blk_read(iso->disk, (uint64_t)folder->extent * ISO_SECTOR, data, folder->size) ? 0 : FILE_IO;
	for (uint32_t at = 0; !result && at + 33 < folder->size;) {
		const uint8_t *record = data + at;
		/* Records do not cross sectors: a length of 0 fills the rest of one. */
		if (!record[0]) {
			at = (at / ISO_SECTOR + 1) * ISO_SECTOR;
			continue;
		}
		if (record[0] < 34 || at + record[0] > folder->size || 33u + record[32] > record[0])
			result = FILE_IO;
		else if (record[32] != 1 || record[33] > 1) {
			struct iso_entry entry;
			read_record(iso, record, &entry);
			if (visit(context, &entry))
				break;
		}
		at += record[0];
	}
	free(data);
	return result;
}

/* Looks whether the root's "." has the SP field that announces Rock Ridge (or another use of SUSP): then the root's mode and owner are there, too. */
static void read_root(struct iso *iso)
{
	uint8_t sector[ISO_SECTOR];
	if (!virtio_blk_read(iso->disk, (uint64_t)iso->root.extent * ISO_SECTOR, sector, ISO_SECTOR) || sector[0] < 34 + 7)
		return;
	const uint8_t *area = sector + 34;
	iso->rock_ridge = !memcmp(area, "SP", 2) && area[4] == 0xbe && area[5] == 0xef;
	if (!iso->rock_ridge)
		return;
	/* What is skipped in all others is not skipped there. */
	read_record(iso, sector, &iso->root);
	iso->skip = area[6];
}

static void *open(struct disk *disk)
{
	uint8_t sector[ISO_SECTOR];
	for (unsigned i = 0; i < DESCRIPTORS_MAX; i++) {
		if (!virtio_blk_read(disk, (FIRST_DESCRIPTOR + i) * (uint64_t)ISO_SECTOR, sector, ISO_SECTOR) || memcmp(sector + 1, "CD001", 5) ||
		    sector[0] == 255)
			return NULL;
		if (sector[0] != 1)
			continue;
		/* A logical block of another size is allowed and never met. */
		if (sector[128] != (ISO_SECTOR & 0xff) || sector[129] != ISO_SECTOR >> 8)
			return NULL;
		struct iso *iso = memory_need(sizeof *iso);
		*iso = (struct iso){ .disk = disk };
		read_record(iso, sector + 156, &iso->root);
		read_root(iso);
		return iso;
	}
	return NULL;
}

struct search {
	const char *name;
	size_t length;
	struct iso_entry found;
	bool hit;
};

static bool compare(void *context, const struct iso_entry *entry)
{
	struct search *search = context;
	search->hit = !strncmp(entry->name, search->name, search->length) && !entry->name[search->length];
	if (search->hit)
		search->found = *entry;
	return search->hit;
}

static int find(const struct iso *iso, const char *path, struct iso_entry *entry)
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

static int stat(void *state, const char *path, struct file_facts *facts)
{
	struct iso_entry entry;
	int error = find(state, path, &entry);
	*facts = (struct file_facts){ entry.kind, entry.mode, entry.uid, entry.gid, entry.modified, entry.size };
	return error;
}

static int read_link(void *state, const char *path, char *into, size_t room)
{
	struct iso_entry entry;
	int error = find(state, path, &entry);
	if (!error && (entry.kind != FILE_LINK || strlen(entry.target) >= room))
		error = FILE_INVALID;
	if (!error)
		memcpy(into, entry.target, strlen(entry.target) + 1);
	return error;
}

static long read(void *state, const char *path, uint64_t offset, void *into, size_t length)
{
	const struct iso *iso = state;
	struct iso_entry entry;
	int error = find(iso, path, &entry);
	if (error)
		return error;
	if (entry.kind != FILE_PLAIN)
		return entry.kind == FILE_FOLDER ? FILE_IS_FOLDER : FILE_INVALID;
	if (offset >= entry.size)
		return 0;
	if (length > entry.size - offset)
		length = entry.size - offset;
	return virtio_blk_read(iso->disk, (uint64_t)entry.extent * ISO_SECTOR + offset, into, length) ? (long)length : FILE_IO;
}

struct listing {
	file_found found;
	void *context;
};

static bool pass_on(void *context, const struct iso_entry *entry)
{
	const struct listing *listing = context;
	listing->found(listing->context, entry->name, entry->kind, entry->size);
	return false;
}

static int list(void *state, const char *path, file_found found, void *context)
{
	struct iso_entry entry;
	struct listing listing = { found, context };
	int error = find(state, path, &entry);
	if (!error && entry.kind != FILE_FOLDER)
		error = FILE_NOT_FOLDER;
	return error ? error : walk(state, &entry, pass_on, &listing);
}

const struct filesystem iso9660 = { .type = "cd9660", .open = open, .stat = stat, .read_link = read_link, .read = read, .list = list };

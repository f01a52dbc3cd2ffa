#include "rock_ridge.h"

#include "virtio_blk.h"

#include <string.h>

enum { CONTINUATIONS_MAX = 8, NAME_CONTINUES = 1, PART_CONTINUES = 1, PART_HERE = 2, PART_PARENT = 4, PART_ROOT = 8 };
enum { MODE_KIND = 0170000, MODE_FOLDER = 0040000, MODE_LINK = 0120000, MODE_PLAIN = 0100000 };

static void read_mode(struct iso_entry *entry, uint32_t mode)
{
	entry->mode = mode & FILE_MODE_BITS;
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

static void add_to_name(struct iso_entry *entry, bool *started, const uint8_t *part, size_t length)
{
	size_t at = *started ? strlen(entry->name) : 0;
	*started = true;
	if (at + length >= ISO_NAME_ROOM)
		length = ISO_NAME_ROOM - 1 - at;
	memcpy(entry->name + at, part, length);
	entry->name[at + length] = '\0';
}

static void append_target(struct iso_entry *entry, const void *part, size_t length)
{
	size_t at = strlen(entry->target);
	if (at + length >= ISO_TARGET_ROOM)
		length = ISO_TARGET_ROOM - 1 - at;
	memcpy(entry->target + at, part, length);
	entry->target[at + length] = '\0';
}

/* The components of an SL field; `joined` says that no slash belongs in front of the next one. */
static void add_to_target(struct iso_entry *entry, bool *joined, const uint8_t *at, size_t length)
{
	for (; length >= 2 && at[1] + 2u <= length; length -= at[1] + 2u, at += at[1] + 2u) {
		if (!*joined)
			append_target(entry, "/", 1);
		*joined = at[0] & (PART_CONTINUES | PART_ROOT);
		if (at[0] & PART_ROOT)
			append_target(entry, "/", 1);
		else if (at[0] & PART_HERE)
			append_target(entry, ".", 1);
		else if (at[0] & PART_PARENT)
			append_target(entry, "..", 2);
		else
			append_target(entry, at + 2, at[1]);
	}
}

void rock_ridge_read(struct disk *disk, const uint8_t *area, size_t length, struct iso_entry *entry)
{
	uint8_t sector[ISO_SECTOR];
	bool named = false, joined = true;
	for (int areas = 0; areas < CONTINUATIONS_MAX; areas++) {
		uint32_t block = 0, offset = 0, next_length = 0;
		while (length >= 4 && area[2] >= 4 && area[2] <= length) {
			if (!memcmp(area, "NM", 2) && area[2] >= 5 && !(area[4] & ~NAME_CONTINUES))
				add_to_name(entry, &named, area + 5, area[2] - 5u);
			else if (!memcmp(area, "SL", 2) && area[2] >= 5)
				add_to_target(entry, &joined, area + 5, area[2] - 5u);
			else if (!memcmp(area, "PX", 2) && area[2] >= 36) {
				read_mode(entry, iso_read32(area + 4));
				entry->uid = iso_read32(area + 20);
				entry->gid = iso_read32(area + 28);
			}
			else if (!memcmp(area, "CE", 2) && area[2] >= 28) {
				block = iso_read32(area + 4);
				offset = iso_read32(area + 12);
				next_length = iso_read32(area + 20);
			}
			length -= area[2];
			area += area[2];
		}
		if (!block || offset + next_length > ISO_SECTOR || !virtio_blk_read(disk, (uint64_t)block * ISO_SECTOR, sector, ISO_SECTOR))
			return;
		area = sector + offset;
		length = next_length;
	}
}

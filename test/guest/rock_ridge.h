/* The names, modes and links that IEEE P1282 adds to ISO 9660. */
#pragma once
#include "mounts.h"

enum { ISO_SECTOR = 2048, ISO_NAME_ROOM = 256, ISO_TARGET_ROOM = 1024 };

struct iso_entry {
	uint32_t extent, size, mode, uid, gid, modified;
	enum file_kind kind;
	char name[ISO_NAME_ROOM];
	/* Of a symbolic link. */
	char target[ISO_TARGET_ROOM];
};

static inline uint32_t iso_read32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* Reads the fields of a system use area, and of those that it goes on in. */
void rock_ridge_read(struct disk *disk, const uint8_t *area, size_t length, struct iso_entry *entry);

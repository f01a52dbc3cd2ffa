/* The entries of folders. */
#include "ext2_disk.h"
#include "rtc.h"

#include <string.h>

enum { NAME_MAX = 255 };

static uint16_t entry_room(size_t name_length)
{
	return (uint16_t)((8 + name_length + 3) & ~3u);
}

static void fill_entry(const struct ext2 *fs, struct ext2_entry *entry, uint32_t inode, const char *name, size_t length, uint8_t kind)
{
	entry->inode = inode;
	entry->name_length = (uint8_t)length;
	entry->kind = fs->has_kinds ? kind : 0;
	memcpy(entry->name, name, length);
}

/* Puts an entry into the slack behind another one of the block, if there is enough. */
static bool insert_into(const struct ext2 *fs, uint8_t *data, uint32_t inode, const char *name, size_t length, uint8_t kind)
{
	uint16_t needed = entry_room(length);
	for (uint32_t at = 0; at + 8 <= fs->block_size;) {
		struct ext2_entry *entry = (struct ext2_entry *)(data + at);
		uint16_t used = entry->inode ? entry_room(entry->name_length) : 0;
		if (entry->length < 8)
			return false;
		if (entry->length >= used + needed) {
			struct ext2_entry *added = (struct ext2_entry *)(data + at + used);
			uint16_t rest = (uint16_t)(entry->length - used);
			if (used)
				entry->length = used;
			added->length = rest;
			fill_entry(fs, added, inode, name, length, kind);
			return true;
		}
		at += entry->length;
	}
	return false;
}

int ext2_add_entry(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, uint32_t named, const char *name, uint8_t kind)
{
	size_t length = strlen(name);
	uint32_t blocks = inode->size / fs->block_size;
	/* An index over the entries would no longer be right; without this flag they are searched one by one. */
	inode->flags &= ~(uint32_t)EXT2_FLAG_INDEX;
	for (uint32_t n = 0; n <= blocks; n++) {
		uint32_t block = ext2_map_or_take(fs, inode, n, true);
		uint8_t *data = block ? ext2_block(fs, block) : NULL;
		if (!data)
			return FILE_NO_SPACE;
		if (n == blocks) {
			inode->size += fs->block_size;
			((struct ext2_entry *)data)->length = (uint16_t)fs->block_size;
		}
		if (!insert_into(fs, data, named, name, length, kind))
			continue;
		ext2_changed(fs, block);
		inode->write_time = inode->change_time = rtc_seconds();
		return ext2_write_inode(fs, folder, inode) ? 0 : FILE_IO;
	}
	return FILE_IO;
}

int ext2_find_parent(struct ext2 *fs, const char *path, const char **name, uint32_t *number, struct ext2_inode *inode)
{
	char folder[1024];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t)(slash - path) : 0;
	*name = slash ? slash + 1 : path;
	if (length >= sizeof folder || strlen(*name) > NAME_MAX)
		return FILE_NAME_TOO_LONG;
	memcpy(folder, path, length);
	folder[length] = '\0';
	int error = ext2_find(fs, folder, number, inode);
	if (!error && (inode->mode & EXT2_MODE_KIND) != EXT2_MODE_FOLDER)
		error = FILE_NOT_FOLDER;
	return error;
}

/* Finds the entry of that name, and the one before it in its block; gives the block, or 0. */
static uint32_t find_entry(struct ext2 *fs, const struct ext2_inode *inode, const char *name, struct ext2_entry **found, struct ext2_entry **before)
{
	size_t length = strlen(name);
	for (uint32_t n = 0; n < inode->size / fs->block_size; n++) {
		uint32_t block;
		uint8_t *data = ext2_map(fs, inode, n, &block) && block ? ext2_block(fs, block) : NULL;
		*before = NULL;
		for (uint32_t at = 0; data && at + 8 <= fs->block_size; at += (*before)->length) {
			struct ext2_entry *entry = (struct ext2_entry *)(data + at);
			if (entry->length < 8 || at + entry->length > fs->block_size)
				return 0;
			*found = entry;
			if (entry->inode && entry->name_length == length && !memcmp(entry->name, name, length))
				return block;
			*before = entry;
		}
	}
	return 0;
}

static int changed(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, uint32_t block)
{
	ext2_changed(fs, block);
	inode->write_time = inode->change_time = rtc_seconds();
	return ext2_write_inode(fs, folder, inode) ? 0 : FILE_IO;
}

int ext2_remove_entry(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, const char *name)
{
	struct ext2_entry *entry, *before;
	uint32_t block = find_entry(fs, inode, name, &entry, &before);
	if (!block)
		return FILE_IO;
	entry->inode = 0;
	if (before)
		before->length = (uint16_t)(before->length + entry->length);
	return changed(fs, folder, inode, block);
}

int ext2_point_entry(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, const char *name, uint32_t named, uint8_t kind)
{
	struct ext2_entry *entry, *before;
	uint32_t block = find_entry(fs, inode, name, &entry, &before);
	if (!block)
		return FILE_IO;
	entry->inode = named;
	entry->kind = fs->has_kinds ? kind : 0;
	return changed(fs, folder, inode, block);
}

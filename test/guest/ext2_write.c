#include "ext2_disk.h"
#include "rtc.h"
#include "virtio_blk.h"

#include <string.h>

enum { FILE_MODE = 0100644, FOLDER_MODE = 0040755, KIND_PLAIN = 1, KIND_FOLDER = 2, NAME_MAX = 255, SECTOR = 512 };

/* Takes a block for a file, and clears it where it is to hold pointers or entries. */
static uint32_t take_for(struct ext2 *fs, struct ext2_inode *inode, bool clear)
{
	uint32_t block = ext2_take_block(fs);
	if (!block || (clear && !ext2_new_block(fs, block)))
		return 0;
	inode->sectors += fs->block_size / SECTOR;
	return block;
}

/* As ext2_map, but takes the blocks that are missing; 0 where the disk is full or fails. */
static uint32_t map_or_take(struct ext2 *fs, struct ext2_inode *inode, uint32_t n, bool clear)
{
	uint32_t path[4];
	unsigned levels = ext2_pointer_path(fs, n, path);
	if (!levels)
		return 0;
	if (!inode->pointers[path[0]])
		inode->pointers[path[0]] = take_for(fs, inode, clear || levels > 1);
	uint32_t block = inode->pointers[path[0]];
	for (unsigned i = 1; i < levels && block; i++) {
		uint32_t *pointers = (uint32_t *)ext2_block(fs, block);
		uint32_t next = pointers ? pointers[path[i]] : 0;
		if (pointers && !next) {
			next = take_for(fs, inode, clear || i + 1 < levels);
			pointers = next ? (uint32_t *)ext2_block(fs, block) : NULL;
			if (!pointers)
				return 0;
			pointers[path[i]] = next;
			ext2_changed(fs, block);
		}
		block = next;
	}
	return block;
}

/* Gives back a tree of pointers that has that many levels below the block. */
static bool give_tree(struct ext2 *fs, uint32_t block, unsigned levels)
{
	if (!block)
		return true;
	for (uint32_t i = 0; levels && i < fs->block_size / 4; i++) {
		const uint32_t *pointers = (const uint32_t *)ext2_block(fs, block);
		if (!pointers || !give_tree(fs, pointers[i], levels - 1))
			return false;
	}
	return ext2_give_block(fs, block);
}

static bool truncate(struct ext2 *fs, uint32_t number, struct ext2_inode *inode)
{
	struct ext2_inode old = *inode;
	memset(inode->pointers, 0, sizeof inode->pointers);
	inode->size = inode->size_high = inode->sectors = 0;
	if (!ext2_write_inode(fs, number, inode))
		return false;
	for (unsigned i = 0; i < EXT2_POINTERS; i++)
		if (!give_tree(fs, old.pointers[i], i < EXT2_DIRECT ? 0 : i - EXT2_DIRECT + 1))
			return false;
	return true;
}

/* Writes bytes behind the file's end, in as few transfers as the places of its blocks allow. */
static int append(struct ext2 *fs, struct ext2_inode *inode, const char *from, size_t length)
{
	uint64_t size = ext2_size(inode);
	while (length) {
		size_t skip = size % fs->block_size, part = 0;
		uint32_t first = 0;
		for (uint32_t n = 0; part < length; n++) {
			uint32_t block = map_or_take(fs, inode, (uint32_t)((size + part) / fs->block_size), false);
			if (!block || (n && block != first + n))
				break;
			first = block - n;
			ext2_forget(fs, block);
			size_t room = fs->block_size - (n ? 0 : skip);
			part += room < length - part ? room : length - part;
		}
		if (!part)
			return FILE_NO_SPACE;
		if (!virtio_blk_write(fs->disk, (uint64_t)first * fs->block_size + skip, from, part))
			return FILE_IO;
		from += part;
		length -= part;
		size += part;
		inode->size = (uint32_t)size;
		inode->size_high = (uint32_t)(size >> 32);
	}
	return 0;
}

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

static int add_entry(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, uint32_t named, const char *name, uint8_t kind)
{
	size_t length = strlen(name);
	uint32_t blocks = inode->size / fs->block_size;
	/* An index over the entries would no longer be right; without this flag they are searched one by one. */
	inode->flags &= ~(uint32_t)EXT2_FLAG_INDEX;
	for (uint32_t n = 0; n <= blocks; n++) {
		uint32_t block = map_or_take(fs, inode, n, true);
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

/* Finds the folder that a new name goes into, and the name. */
static int find_parent(struct ext2 *fs, const char *path, const char **name, uint32_t *number, struct ext2_inode *inode)
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

/* Makes an inode of that mode. */
static int create(struct ext2 *fs, uint16_t mode, uint32_t *number, struct ext2_inode *inode)
{
	bool folder = (mode & EXT2_MODE_KIND) == EXT2_MODE_FOLDER;
	*number = ext2_take_inode(fs, folder);
	if (!*number)
		return FILE_NO_SPACE;
	uint32_t now = rtc_seconds();
	*inode = (struct ext2_inode){
		.mode = mode, .links = folder ? 2 : 1, .access_time = now, .change_time = now, .write_time = now,
	};
	return ext2_write_inode(fs, *number, inode) ? 0 : FILE_IO;
}

int ext2_write_file(void *state, const char *path, enum file_write how, const void *from, size_t length)
{
	struct ext2 *fs = state;
	uint32_t number, folder;
	struct ext2_inode inode, folder_inode;
	const char *name;
	int error = ext2_find(fs, path, &number, &inode);
	bool is_new = error == FILE_MISSING;
	if (is_new) {
		error = find_parent(fs, path, &name, &folder, &folder_inode);
		if (!error)
			error = create(fs, FILE_MODE, &number, &inode);
	}
	if (error)
		return error;
	if ((inode.mode & EXT2_MODE_KIND) != EXT2_MODE_PLAIN)
		return (inode.mode & EXT2_MODE_KIND) == EXT2_MODE_FOLDER ? FILE_IS_FOLDER : FILE_INVALID;
	if (how == FILE_REPLACE && !is_new && !truncate(fs, number, &inode))
		return FILE_IO;
	error = append(fs, &inode, from, length);
	inode.write_time = inode.change_time = rtc_seconds();
	/* What had room is kept, and the counts are right, even when the disk is full. */
	bool written = ext2_write_inode(fs, number, &inode);
	if (written && is_new) {
		int added = add_entry(fs, folder, &folder_inode, number, name, KIND_PLAIN);
		error = error ? error : added;
	}
	return ext2_write_back(fs) && written ? error : FILE_IO;
}

int ext2_make_folder(void *state, const char *path)
{
	struct ext2 *fs = state;
	uint32_t number, folder;
	struct ext2_inode inode, folder_inode;
	const char *name;
	int error = find_parent(fs, path, &name, &folder, &folder_inode);
	if (!error)
		error = create(fs, FOLDER_MODE, &number, &inode);
	if (error)
		return error;
	error = add_entry(fs, number, &inode, number, ".", KIND_FOLDER);
	if (!error)
		error = add_entry(fs, number, &inode, folder, "..", KIND_FOLDER);
	if (!error) {
		folder_inode.links++;
		error = add_entry(fs, folder, &folder_inode, number, name, KIND_FOLDER);
	}
	return ext2_write_back(fs) ? error : FILE_IO;
}

#include "ext2_disk.h"
#include "rtc.h"
#include "virtio_blk.h"

#include <string.h>

enum { PLAIN_MODE = 0100644, FOLDER_MODE = 0040755 };

/* Takes a block for a file, and clears it where it is to hold pointers or entries. */
static uint32_t take_for(struct ext2 *fs, struct ext2_inode *inode, bool clear)
{
	uint32_t block = ext2_take_block(fs);
	if (!block || (clear && !ext2_new_block(fs, block)))
		return 0;
	inode->sectors += fs->block_size / EXT2_SECTOR;
	return block;
}

uint32_t ext2_map_or_take(struct ext2 *fs, struct ext2_inode *inode, uint32_t n, bool clear)
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

/* Where the file ends within a hole, what is before the bytes to come must be zeros. */
static bool clear_hole(struct ext2 *fs, struct ext2_inode *inode, uint32_t n)
{
	static const uint8_t zeros[EXT2_BLOCK_MAX];
	uint32_t block;
	if (ext2_map(fs, inode, n, &block) && block)
		return true;
	block = ext2_map_or_take(fs, inode, n, false);
	return block && virtio_blk_write(fs->disk, (uint64_t)block * fs->block_size, zeros, fs->block_size);
}

/* Writes bytes behind the file's end, in as few transfers as the places of its blocks allow. */
static int append(struct ext2 *fs, struct ext2_inode *inode, const char *from, size_t length)
{
	uint64_t size = ext2_size(inode);
	while (length) {
		size_t skip = size % fs->block_size, part = 0;
		uint32_t first = 0;
		if (skip && !clear_hole(fs, inode, (uint32_t)(size / fs->block_size)))
			return FILE_NO_SPACE;
		for (uint32_t n = 0; part < length; n++) {
			uint32_t block = ext2_map_or_take(fs, inode, (uint32_t)((size + part) / fs->block_size), false);
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

int ext2_create(struct ext2 *fs, uint16_t mode, uint32_t *number, struct ext2_inode *inode)
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
	if (!ext2_begin_change(fs))
		return FILE_IO;
	int error = ext2_find(fs, path, &number, &inode);
	bool is_new = error == FILE_MISSING;
	if (is_new) {
		error = ext2_find_parent(fs, path, &name, &folder, &folder_inode);
		if (!error)
			error = ext2_create(fs, PLAIN_MODE, &number, &inode);
	}
	if (error)
		return error;
	if ((inode.mode & EXT2_MODE_KIND) != EXT2_MODE_PLAIN)
		return (inode.mode & EXT2_MODE_KIND) == EXT2_MODE_FOLDER ? FILE_IS_FOLDER : FILE_INVALID;
	if (how == FILE_REPLACE && !is_new && !ext2_truncate(fs, number, &inode, 0))
		return FILE_IO;
	error = append(fs, &inode, from, length);
	inode.write_time = inode.change_time = rtc_seconds();
	/* What had room is kept, and the counts are right, even when the disk is full. */
	bool written = ext2_write_inode(fs, number, &inode);
	if (written && is_new) {
		int added = ext2_add_entry(fs, folder, &folder_inode, number, name, EXT2_ENTRY_PLAIN);
		if (added)
			ext2_drop(fs, number, &inode);
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
	if (!ext2_begin_change(fs))
		return FILE_IO;
	int error = ext2_find_parent(fs, path, &name, &folder, &folder_inode);
	if (!error)
		error = ext2_create(fs, FOLDER_MODE, &number, &inode);
	if (error)
		return error;
	error = ext2_add_entry(fs, number, &inode, number, ".", EXT2_ENTRY_FOLDER);
	if (!error)
		error = ext2_add_entry(fs, number, &inode, folder, "..", EXT2_ENTRY_FOLDER);
	if (!error) {
		folder_inode.links++;
		error = ext2_add_entry(fs, folder, &folder_inode, number, name, EXT2_ENTRY_FOLDER);
	}
	if (error)
		ext2_drop(fs, number, &inode);
	return ext2_write_back(fs) ? error : FILE_IO;
}

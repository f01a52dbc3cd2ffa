/* Deleting, renaming, symbolic links, modes. */
#include "ext2_disk.h"
#include "rtc.h"

#include <string.h>

enum { LINK_MODE = 0120777, ATTRIBUTE_REFERENCES = 1 };

static bool is_folder(const struct ext2_inode *inode)
{
	return (inode->mode & EXT2_MODE_KIND) == EXT2_MODE_FOLDER;
}

static uint8_t entry_kind(const struct ext2_inode *inode)
{
	static const uint8_t kinds[16] = { 0, 5, 3, 0, EXT2_ENTRY_FOLDER, 0, 4, 0, EXT2_ENTRY_PLAIN, 0, EXT2_ENTRY_LINK, 0, 6 };
	return kinds[inode->mode >> 12];
}

static bool is_name(void *found, struct ext2 *fs, const struct ext2_entry *entry)
{
	(void)fs;
	bool *any = found;
	*any = entry->name[0] != '.' || entry->name_length > 2 || (entry->name_length == 2 && entry->name[1] != '.');
	return *any;
}

static int check_empty(struct ext2 *fs, const struct ext2_inode *inode)
{
	bool any = false;
	int error = ext2_walk(fs, inode, is_name, &any);
	return error ? error : any ? FILE_NOT_EMPTY : 0;
}

/* Other files may share the block. */
static void give_attributes(struct ext2 *fs, struct ext2_inode *inode)
{
	uint32_t *block = inode->attributes ? (uint32_t *)ext2_block(fs, inode->attributes) : NULL;
	if (!block)
		return;
	if (--block[ATTRIBUTE_REFERENCES])
		ext2_changed(fs, inode->attributes);
	else
		ext2_give_block(fs, inode->attributes);
	inode->sectors -= ext2_attribute_sectors(fs, inode);
	inode->attributes = 0;
}

int ext2_drop(struct ext2 *fs, uint32_t number, struct ext2_inode *inode)
{
	bool folder = is_folder(inode);
	inode->change_time = rtc_seconds();
	if (!folder && inode->links > 1) {
		inode->links--;
		return ext2_write_inode(fs, number, inode) ? 0 : FILE_IO;
	}
	if (ext2_is_short_link(fs, inode))
		memset(inode->pointers, 0, sizeof inode->pointers);
	bool device = entry_kind(inode) >= 3 && entry_kind(inode) <= 6;
	bool good = device || ext2_truncate(fs, number, inode, 0);
	give_attributes(fs, inode);
	inode->links = 0;
	inode->delete_time = inode->change_time;
	good &= ext2_write_inode(fs, number, inode);
	ext2_give_inode(fs, number, folder);
	return good ? 0 : FILE_IO;
}

static int delete(struct ext2 *fs, const char *path)
{
	uint32_t number, folder;
	struct ext2_inode inode, folder_inode;
	const char *name;
	int error = ext2_find(fs, path, &number, &inode);
	if (!error && number == EXT2_ROOT)
		error = FILE_INVALID;
	if (!error && is_folder(&inode))
		error = check_empty(fs, &inode);
	if (!error)
		error = ext2_find_parent(fs, path, &name, &folder, &folder_inode);
	if (error)
		return error;
	folder_inode.links -= is_folder(&inode);
	error = ext2_remove_entry(fs, folder, &folder_inode, name);
	return error ? error : ext2_drop(fs, number, &inode);
}

/* Whether the one may take the other's place. */
static int check_replace(struct ext2 *fs, const struct ext2_inode *moved, const struct ext2_inode *old)
{
	if (is_folder(old))
		return is_folder(moved) ? check_empty(fs, old) : FILE_IS_FOLDER;
	return is_folder(moved) ? FILE_NOT_FOLDER : 0;
}

/* A folder that came to another one: its "..", and the links of both. */
static int change_parent(struct ext2 *fs, uint32_t number, uint32_t from, uint32_t to, bool replaced)
{
	struct ext2_inode inode, from_inode, to_inode;
	if (!ext2_read_inode(fs, number, &inode) || !ext2_read_inode(fs, from, &from_inode))
		return FILE_IO;
	from_inode.links--;
	if (!ext2_write_inode(fs, from, &from_inode) || !ext2_read_inode(fs, to, &to_inode))
		return FILE_IO;
	to_inode.links += !replaced;
	if (!ext2_write_inode(fs, to, &to_inode))
		return FILE_IO;
	return from == to ? 0 : ext2_point_entry(fs, number, &inode, "..", to, EXT2_ENTRY_FOLDER);
}

static int rename(struct ext2 *fs, const char *path, const char *to)
{
	uint32_t number, old, from_folder, to_folder;
	struct ext2_inode inode, old_inode, folder_inode;
	const char *from_name, *to_name;
	size_t length = strlen(path);
	int error = ext2_find(fs, path, &number, &inode);
	if (!error && (number == EXT2_ROOT || !*to || (!strncmp(to, path, length) && to[length] == '/')))
		error = FILE_INVALID;
	if (!error)
		error = ext2_find_parent(fs, path, &from_name, &from_folder, &folder_inode);
	if (!error)
		error = ext2_find_parent(fs, to, &to_name, &to_folder, &folder_inode);
	if (error)
		return error;
	error = ext2_find(fs, to, &old, &old_inode);
	bool replaces = !error;
	if (replaces && old == number)
		return 0;
	if (replaces)
		error = check_replace(fs, &inode, &old_inode);
	if (error && error != FILE_MISSING)
		return error;
	if (replaces)
		error = ext2_point_entry(fs, to_folder, &folder_inode, to_name, number, entry_kind(&inode));
	else
		error = ext2_add_entry(fs, to_folder, &folder_inode, number, to_name, entry_kind(&inode));
	inode.change_time = rtc_seconds();
	if (error || !ext2_write_inode(fs, number, &inode) || !ext2_read_inode(fs, from_folder, &folder_inode))
		return error ? error : FILE_IO;
	error = ext2_remove_entry(fs, from_folder, &folder_inode, from_name);
	if (!error && is_folder(&inode))
		error = change_parent(fs, number, from_folder, to_folder, replaces);
	return !error && replaces ? ext2_drop(fs, old, &old_inode) : error;
}

static int make_link(struct ext2 *fs, const char *path, const char *target)
{
	uint32_t number, folder, block;
	struct ext2_inode inode, folder_inode;
	const char *name;
	size_t length = strlen(target);
	int error = ext2_find(fs, path, &number, &inode);
	if (error != FILE_MISSING)
		return error ? error : FILE_EXISTS;
	if (!length || length >= fs->block_size)
		return length ? FILE_NAME_TOO_LONG : FILE_INVALID;
	error = ext2_find_parent(fs, path, &name, &folder, &folder_inode);
	if (!error)
		error = ext2_create(fs, LINK_MODE, &number, &inode);
	if (error)
		return error;
	if (length < sizeof inode.pointers) {
		memcpy(inode.pointers, target, length);
	} else {
		block = ext2_map_or_take(fs, &inode, 0, true);
		if (!block) {
			ext2_drop(fs, number, &inode);
			return FILE_NO_SPACE;
		}
		memcpy(ext2_block(fs, block), target, length);
		ext2_changed(fs, block);
	}
	inode.size = (uint32_t)length;
	if (!ext2_write_inode(fs, number, &inode))
		return FILE_IO;
	error = ext2_add_entry(fs, folder, &folder_inode, number, name, EXT2_ENTRY_LINK);
	if (error)
		ext2_drop(fs, number, &inode);
	return error;
}

static int set_mode(struct ext2 *fs, const char *path, uint16_t mode)
{
	uint32_t number;
	struct ext2_inode inode;
	int error = ext2_find(fs, path, &number, &inode);
	if (error)
		return error;
	inode.mode = (uint16_t)((inode.mode & EXT2_MODE_KIND) | (mode & FILE_MODE_BITS));
	inode.change_time = rtc_seconds();
	return ext2_write_inode(fs, number, &inode) ? 0 : FILE_IO;
}

static int set_size(struct ext2 *fs, const char *path, uint64_t size)
{
	uint32_t number, pointers[4];
	struct ext2_inode inode;
	int error = ext2_find(fs, path, &number, &inode);
	if (error)
		return error;
	if ((inode.mode & EXT2_MODE_KIND) != EXT2_MODE_PLAIN)
		return is_folder(&inode) ? FILE_IS_FOLDER : FILE_INVALID;
	if (size / fs->block_size >= UINT32_MAX || !ext2_pointer_path(fs, (uint32_t)(size / fs->block_size), pointers))
		return FILE_TOO_LARGE;
	return ext2_truncate(fs, number, &inode, size) ? 0 : FILE_IO;
}

static int apply(struct ext2 *fs, const char *path, const struct file_change *change)
{
	switch (change->kind) {
	case FILE_DELETE:
		return delete(fs, path);
	case FILE_RENAME:
		return rename(fs, path, change->text);
	case FILE_MAKE_LINK:
		return make_link(fs, path, change->text);
	case FILE_TRUNCATE:
		return set_size(fs, path, change->number);
	case FILE_SET_MODE:
		return set_mode(fs, path, (uint16_t)change->number);
	}
	return FILE_INVALID;
}

int ext2_change(void *state, const char *path, const struct file_change *change)
{
	if (!ext2_begin_change(state))
		return FILE_IO;
	int error = apply(state, path, change);
	return ext2_write_back(state) ? error : FILE_IO;
}

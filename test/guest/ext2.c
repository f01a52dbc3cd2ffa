#include "ext2.h"

#include "ext2_disk.h"
#include "virtio_blk.h"

#include <string.h>

enum { LARGE_FILES = 2 };

static uint64_t inode_at(const struct ext2 *fs, uint32_t number)
{
	const struct ext2_group *group = &fs->groups[(number - 1) / fs->super.inodes_per_group];
	return (uint64_t)group->inode_table * fs->block_size + (uint64_t)((number - 1) % fs->super.inodes_per_group) * fs->inode_size;
}

bool ext2_read_inode(struct ext2 *fs, uint32_t number, struct ext2_inode *inode)
{
	return number && number <= fs->super.inodes && virtio_blk_read(fs->disk, inode_at(fs, number), inode, sizeof *inode);
}

bool ext2_write_inode(struct ext2 *fs, uint32_t number, const struct ext2_inode *inode)
{
	if (ext2_size(inode) > INT32_MAX)
		fs->super.read_only_compatible |= LARGE_FILES;
	return virtio_blk_write(fs->disk, inode_at(fs, number), inode, sizeof *inode);
}

uint64_t ext2_size(const struct ext2_inode *inode)
{
	bool plain = (inode->mode & EXT2_MODE_KIND) == EXT2_MODE_PLAIN;
	return inode->size | (plain ? (uint64_t)inode->size_high << 32 : 0);
}

bool ext2_is_short_link(const struct ext2 *fs, const struct ext2_inode *inode)
{
	return (inode->mode & EXT2_MODE_KIND) == EXT2_MODE_LINK && inode->sectors == ext2_attribute_sectors(fs, inode);
}

unsigned ext2_pointer_path(const struct ext2 *fs, uint32_t n, uint32_t path[4])
{
	uint64_t each = fs->block_size / 4, span = 1;
	if (n < EXT2_DIRECT) {
		path[0] = n;
		return 1;
	}
	n -= EXT2_DIRECT;
	for (unsigned level = 1; level <= 3; level++) {
		if (n >= span * each) {
			n -= (uint32_t)(span * each);
			span *= each;
			continue;
		}
		path[0] = EXT2_DIRECT + level - 1;
		for (unsigned i = 1; i <= level; i++, span /= each)
			path[i] = (uint32_t)(n / span % each);
		return level + 1;
	}
	return 0;
}

bool ext2_map(struct ext2 *fs, const struct ext2_inode *inode, uint32_t n, uint32_t *block)
{
	uint32_t path[4];
	unsigned levels = ext2_pointer_path(fs, n, path);
	*block = levels ? inode->pointers[path[0]] : 0;
	for (unsigned i = 1; i < levels && *block; i++) {
		const uint32_t *pointers = (const uint32_t *)ext2_block(fs, *block);
		if (!pointers)
			return false;
		*block = pointers[path[i]];
	}
	return levels;
}

int ext2_walk(struct ext2 *fs, const struct ext2_inode *folder, ext2_visitor visit, void *context)
{
	uint8_t data[EXT2_BLOCK_MAX];
	for (uint32_t n = 0; n < folder->size / fs->block_size; n++) {
		uint32_t block;
		if (!ext2_map(fs, folder, n, &block) || !virtio_blk_read(fs->disk, (uint64_t)block * fs->block_size, data, fs->block_size))
			return FILE_IO;
		for (uint32_t at = 0; at + 8 <= fs->block_size;) {
			const struct ext2_entry *entry = (const struct ext2_entry *)(data + at);
			if (entry->length < 8 || at + entry->length > fs->block_size || entry->name_length + 8 > entry->length)
				return FILE_IO;
			if (entry->inode && visit(context, fs, entry))
				return 0;
			at += entry->length;
		}
	}
	return 0;
}

struct search {
	const char *name;
	size_t length;
	uint32_t inode;
};

static bool compare(void *context, struct ext2 *fs, const struct ext2_entry *entry)
{
	struct search *search = context;
	(void)fs;
	if (entry->name_length != search->length || memcmp(entry->name, search->name, search->length))
		return false;
	search->inode = entry->inode;
	return true;
}

int ext2_find(struct ext2 *fs, const char *path, uint32_t *number, struct ext2_inode *inode)
{
	*number = EXT2_ROOT;
	if (!ext2_read_inode(fs, EXT2_ROOT, inode))
		return FILE_IO;
	while (*path) {
		const char *slash = strchr(path, '/');
		struct search search = { path, slash ? (size_t)(slash - path) : strlen(path), 0 };
		if ((inode->mode & EXT2_MODE_KIND) != EXT2_MODE_FOLDER)
			return FILE_NOT_FOLDER;
		int error = ext2_walk(fs, inode, compare, &search);
		if (error || !search.inode)
			return error ? error : FILE_MISSING;
		*number = search.inode;
		if (!ext2_read_inode(fs, *number, inode))
			return FILE_IO;
		path += search.length + (slash != NULL);
	}
	return 0;
}

static enum file_kind kind_of(const struct ext2_inode *inode)
{
	switch (inode->mode & EXT2_MODE_KIND) {
	case EXT2_MODE_FOLDER:
		return FILE_FOLDER;
	case EXT2_MODE_PLAIN:
		return FILE_PLAIN;
	case EXT2_MODE_LINK:
		return FILE_LINK;
	default:
		return FILE_OTHER;
	}
}

static int stat(void *state, const char *path, struct file_facts *facts)
{
	uint32_t number;
	struct ext2_inode inode;
	int error = ext2_find(state, path, &number, &inode);
	if (error)
		return error;
	*facts = (struct file_facts){
		.kind = kind_of(&inode), .size = ext2_size(&inode), .mode = inode.mode & FILE_MODE_BITS, .modified = inode.write_time,
		.uid = inode.uid | (uint32_t)inode.uid_high << 16, .gid = inode.gid | (uint32_t)inode.gid_high << 16,
	};
	return 0;
}

static int read_link(void *state, const char *path, char *into, size_t room)
{
	struct ext2 *fs = state;
	uint32_t number;
	struct ext2_inode inode;
	int error = ext2_find(fs, path, &number, &inode);
	if (error)
		return error;
	if (kind_of(&inode) != FILE_LINK || inode.size >= room || inode.size > fs->block_size)
		return FILE_INVALID;
	const void *text = ext2_is_short_link(fs, &inode) ? inode.pointers : (const void *)ext2_block(fs, inode.pointers[0]);
	if (!text)
		return FILE_IO;
	memcpy(into, text, inode.size);
	into[inode.size] = '\0';
	return 0;
}

static long read(void *state, const char *path, uint64_t offset, void *into, size_t length)
{
	struct ext2 *fs = state;
	uint32_t number, block;
	struct ext2_inode inode;
	int error = ext2_find(fs, path, &number, &inode);
	if (error)
		return error;
	if (kind_of(&inode) != FILE_PLAIN)
		return kind_of(&inode) == FILE_FOLDER ? FILE_IS_FOLDER : FILE_INVALID;
	uint64_t size = ext2_size(&inode);
	if (offset >= size)
		return 0;
	if (length > size - offset)
		length = size - offset;
	for (size_t done = 0; done < length;) {
		uint64_t at = offset + done;
		size_t skip = at % fs->block_size, part = fs->block_size - skip;
		uint32_t n = (uint32_t)(at / fs->block_size), next;
		if (!ext2_map(fs, &inode, n, &block))
			return FILE_IO;
		/* In as few transfers as the places of the blocks allow. */
		for (uint32_t i = 1; block && part < length - done && ext2_map(fs, &inode, n + i, &next) && next == block + i; i++)
			part += fs->block_size;
		part = part < length - done ? part : length - done;
		if (!block)
			memset((char *)into + done, 0, part);
		else if (!virtio_blk_read(fs->disk, (uint64_t)block * fs->block_size + skip, (char *)into + done, part))
			return FILE_IO;
		done += part;
	}
	return (long)length;
}

struct listing {
	file_found found;
	void *context;
};

static bool pass_on(void *context, struct ext2 *fs, const struct ext2_entry *entry)
{
	const struct listing *listing = context;
	char name[256];
	struct ext2_inode inode;
	memcpy(name, entry->name, entry->name_length);
	name[entry->name_length] = '\0';
	if (strcmp(name, ".") && strcmp(name, "..") && ext2_read_inode(fs, entry->inode, &inode))
		listing->found(listing->context, name, kind_of(&inode), ext2_size(&inode));
	return false;
}

static int list(void *state, const char *path, file_found found, void *context)
{
	uint32_t number;
	struct ext2_inode inode;
	struct listing listing = { found, context };
	int error = ext2_find(state, path, &number, &inode);
	if (!error && kind_of(&inode) != FILE_FOLDER)
		error = FILE_NOT_FOLDER;
	return error ? error : ext2_walk(state, &inode, pass_on, &listing);
}

const struct filesystem ext2 = {
	.type = "ext2fs", .open = ext2_open, .close = ext2_close, .stat = stat, .read_link = read_link, .read = read, .list = list,
	.write = ext2_write_file, .make_folder = ext2_make_folder, .change = ext2_change,
};

/* What ext2 has on the disk, and the parts of it that several files here use. */
#pragma once
#include "mounts.h"

enum { EXT2_ROOT = 2, EXT2_DIRECT = 12, EXT2_POINTERS = 15, EXT2_MODE_KIND = 0170000, EXT2_MODE_FOLDER = 0040000,
       EXT2_MODE_PLAIN = 0100000, EXT2_MODE_LINK = 0120000, EXT2_FLAG_INDEX = 0x1000, EXT2_BLOCK_MAX = 4096, EXT2_SECTOR = 512 };
enum { EXT2_ENTRY_PLAIN = 1, EXT2_ENTRY_FOLDER = 2, EXT2_ENTRY_LINK = 7 };

struct ext2_super {
	uint32_t inodes, blocks, reserved_blocks, free_blocks, free_inodes, first_data_block, log_block_size, log_fragment_size;
	uint32_t blocks_per_group, fragments_per_group, inodes_per_group, mount_time, write_time;
	uint16_t mounts, mounts_max, magic, state, on_errors, minor_revision;
	uint32_t check_time, check_interval, creator, revision;
	uint16_t reserved_uid, reserved_gid;
	uint32_t first_inode;
	uint16_t inode_size, group;
	uint32_t compatible, incompatible, read_only_compatible;
};

struct ext2_group {
	uint32_t block_bitmap, inode_bitmap, inode_table;
	uint16_t free_blocks, free_inodes, folders, flags;
	uint32_t reserved[3];
};

struct ext2_inode {
	uint16_t mode, uid;
	uint32_t size, access_time, change_time, write_time, delete_time;
	uint16_t gid, links;
	/* In units of 512 bytes, with the blocks of pointers. */
	uint32_t sectors, flags, reserved;
	uint32_t pointers[EXT2_POINTERS];
	uint32_t generation, attributes, size_high, fragment, rest;
	uint16_t uid_high, gid_high;
	uint32_t last;
};

struct ext2_entry {
	uint32_t inode;
	uint16_t length;
	uint8_t name_length, kind;
	char name[];
};

struct ext2 {
	struct disk *disk;
	struct ext2_super super;
	struct ext2_group *groups;
	uint32_t block_size, group_count, inode_size;
	/* Entries say what they name. */
	bool has_kinds;
	/* At the mount; and since the first change. */
	bool was_clean, changing;
	/* Blocks of pointers, bitmaps and folders; what was changed is on the disk after ext2_write_back. */
	struct ext2_cached {
		uint32_t block;
		bool changed;
		uint64_t used;
		uint8_t data[EXT2_BLOCK_MAX];
	} cache[8];
	uint64_t uses;
};

/* The block, from the cache; good for the next few calls. NULL where the disk fails. */
uint8_t *ext2_block(struct ext2 *fs, uint32_t block);
/* A new block, all zeros, as the above. */
uint8_t *ext2_new_block(struct ext2 *fs, uint32_t block);
/* Notes that what one of the two gave was changed. */
void ext2_changed(struct ext2 *fs, uint32_t block);
/* The block no longer holds what the cache has. */
void ext2_forget(struct ext2 *fs, uint32_t block);
/* Writes all that was changed, and the counts of free blocks and inodes. */
bool ext2_write_back(struct ext2 *fs);
bool ext2_read_inode(struct ext2 *fs, uint32_t number, struct ext2_inode *inode);
bool ext2_write_inode(struct ext2 *fs, uint32_t number, const struct ext2_inode *inode);
uint64_t ext2_size(const struct ext2_inode *inode);
/* Where in its tree of pointers block n of a file is: an index for each level; gives the number of levels, or 0 for too far. */
unsigned ext2_pointer_path(const struct ext2 *fs, uint32_t n, uint32_t path[4]);
/* The disk's block of block n of a file; 0 is a hole. */
bool ext2_map(struct ext2 *fs, const struct ext2_inode *inode, uint32_t n, uint32_t *block);
/* Finds what a path names. */
int ext2_find(struct ext2 *fs, const char *path, uint32_t *number, struct ext2_inode *inode);

/* A free block or inode that is marked as used from here on; 0 if there is none. */
uint32_t ext2_take_block(struct ext2 *fs);
uint32_t ext2_take_inode(struct ext2 *fs, bool folder);
bool ext2_give_block(struct ext2 *fs, uint32_t block);

void ext2_give_inode(struct ext2 *fs, uint32_t number, bool folder);

/* Sees one entry of a folder; true ends the walk. */
typedef bool (*ext2_visitor)(void *context, struct ext2 *fs, const struct ext2_entry *entry);
/* Sees what is on the disk: not what was changed since the last ext2_write_back. */
int ext2_walk(struct ext2 *fs, const struct ext2_inode *folder, ext2_visitor visit, void *context);
/* Finds the folder that a name is or goes in, and the name. */
int ext2_find_parent(struct ext2 *fs, const char *path, const char **name, uint32_t *number, struct ext2_inode *inode);
/* These three write the folder's inode, too. */
int ext2_add_entry(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, uint32_t named, const char *name, uint8_t kind);
int ext2_remove_entry(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, const char *name);
/* Has the entry name another inode. */
int ext2_point_entry(struct ext2 *fs, uint32_t folder, struct ext2_inode *inode, const char *name, uint32_t named, uint8_t kind);

/* As ext2_map, but takes the blocks that are missing; 0 where the disk is full or fails. */
uint32_t ext2_map_or_take(struct ext2 *fs, struct ext2_inode *inode, uint32_t n, bool clear);
/* Makes an inode of that mode. */
int ext2_create(struct ext2 *fs, uint16_t mode, uint32_t *number, struct ext2_inode *inode);
/* Gives back the blocks behind the size, or leaves a hole up to it; writes the inode. */
bool ext2_truncate(struct ext2 *fs, uint32_t number, struct ext2_inode *inode, uint64_t size);
/* One name less for an inode; with the last one it goes, and so does a folder. */
int ext2_drop(struct ext2 *fs, uint32_t number, struct ext2_inode *inode);
/* Those of a block of extended attributes, which counts as the file's. */
uint32_t ext2_attribute_sectors(const struct ext2 *fs, const struct ext2_inode *inode);
/* The target stands in the inode. */
bool ext2_is_short_link(const struct ext2 *fs, const struct ext2_inode *inode);
/* To be called before each change: the disk says before the first one that it is not clean. */
bool ext2_begin_change(struct ext2 *fs);

void *ext2_open(struct disk *disk);
void ext2_close(void *state);
int ext2_change(void *state, const char *path, const struct file_change *change);
int ext2_write_file(void *state, const char *path, enum file_write how, const void *from, size_t length);
int ext2_make_folder(void *state, const char *path);

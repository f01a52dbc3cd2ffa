#include "ext2_disk.h"
#include "rtc.h"
#include "virtio_blk.h"

#include <string.h>

/* Gives back what a tree of pointers has from block `keep` of its file on; gives the tree's block, or 0 if nothing of it is left. */
static uint32_t trim(struct ext2 *fs, struct ext2_inode *inode, uint32_t block, unsigned levels, uint64_t first, uint64_t keep, bool *good)
{
	uint64_t each = fs->block_size / 4, span = 1;
	for (unsigned i = 1; i < levels; i++)
		span *= each;
	for (uint32_t i = 0; block && levels && i < each; i++) {
		if (first + (i + 1) * span <= keep)
			continue;
		uint32_t *pointers = (uint32_t *)ext2_block(fs, block);
		uint32_t child = pointers ? pointers[i] : 0, left = child;
		*good &= pointers != NULL;
		if (child)
			left = trim(fs, inode, child, levels - 1, first + i * span, keep, good);
		if (left == child || first >= keep)
			continue;
		pointers = (uint32_t *)ext2_block(fs, block);
		if (!pointers)
			return block;
		pointers[i] = left;
		ext2_changed(fs, block);
	}
	if (!block || first < keep)
		return block;
	*good &= ext2_give_block(fs, block);
	inode->sectors -= fs->block_size / EXT2_SECTOR;
	return 0;
}

/* What is behind the end in its last block is seen again when the file grows. */
static bool clear_tail(struct ext2 *fs, const struct ext2_inode *inode, uint64_t size)
{
	static const uint8_t zeros[EXT2_BLOCK_MAX];
	uint32_t skip = size % fs->block_size, block;
	if (!skip || !ext2_map(fs, inode, (uint32_t)(size / fs->block_size), &block) || !block)
		return true;
	return virtio_blk_write(fs->disk, (uint64_t)block * fs->block_size + skip, zeros, fs->block_size - skip);
}

bool ext2_truncate(struct ext2 *fs, uint32_t number, struct ext2_inode *inode, uint64_t size)
{
	uint64_t old = ext2_size(inode), keep = (size + fs->block_size - 1) / fs->block_size, each = fs->block_size / 4, first = 0, span = 1;
	bool good = clear_tail(fs, inode, size < old ? size : old);
	inode->size = (uint32_t)size;
	inode->size_high = (uint32_t)(size >> 32);
	inode->write_time = inode->change_time = rtc_seconds();
	/* First, so that a file that is cut short by the machine's end does not claim more than it has. */
	good &= ext2_write_inode(fs, number, inode);
	for (unsigned i = 0; i < EXT2_POINTERS; i++) {
		unsigned levels = i < EXT2_DIRECT ? 0 : i - EXT2_DIRECT + 1;
		if (levels)
			span *= each;
		if (inode->pointers[i] && first + span > keep)
			inode->pointers[i] = trim(fs, inode, inode->pointers[i], levels, first, keep, &good);
		first += span;
	}
	return ext2_write_inode(fs, number, inode) && good;
}

uint32_t ext2_attribute_sectors(const struct ext2 *fs, const struct ext2_inode *inode)
{
	return inode->attributes ? fs->block_size / EXT2_SECTOR : 0;
}

#include "ext2_disk.h"

/* Sets the first clear bit of the bitmap; gives its number or -1. */
static int64_t take_bit(struct ext2 *fs, uint32_t bitmap, uint32_t bits)
{
	uint8_t *map = ext2_block(fs, bitmap);
	for (uint32_t i = 0; map && i < bits; i++) {
		if (map[i / 8] == 0xff) {
			i |= 7;
			continue;
		}
		if (map[i / 8] & 1 << i % 8)
			continue;
		map[i / 8] |= (uint8_t)(1 << i % 8);
		ext2_changed(fs, bitmap);
		return i;
	}
	return -1;
}

uint32_t ext2_take_block(struct ext2 *fs)
{
	for (uint32_t i = 0; i < fs->group_count; i++) {
		uint32_t first = fs->super.first_data_block + i * fs->super.blocks_per_group;
		uint32_t bits = fs->super.blocks - first < fs->super.blocks_per_group ? fs->super.blocks - first : fs->super.blocks_per_group;
		int64_t bit = fs->groups[i].free_blocks ? take_bit(fs, fs->groups[i].block_bitmap, bits) : -1;
		if (bit < 0)
			continue;
		fs->groups[i].free_blocks--;
		fs->super.free_blocks--;
		return first + (uint32_t)bit;
	}
	return 0;
}

uint32_t ext2_take_inode(struct ext2 *fs, bool folder)
{
	for (uint32_t i = 0; i < fs->group_count; i++) {
		int64_t bit = fs->groups[i].free_inodes ? take_bit(fs, fs->groups[i].inode_bitmap, fs->super.inodes_per_group) : -1;
		if (bit < 0)
			continue;
		fs->groups[i].free_inodes--;
		fs->groups[i].folders += folder;
		fs->super.free_inodes--;
		return i * fs->super.inodes_per_group + (uint32_t)bit + 1;
	}
	return 0;
}

bool ext2_give_block(struct ext2 *fs, uint32_t block)
{
	uint32_t group = (block - fs->super.first_data_block) / fs->super.blocks_per_group;
	uint32_t bit = (block - fs->super.first_data_block) % fs->super.blocks_per_group;
	uint8_t *map = group < fs->group_count ? ext2_block(fs, fs->groups[group].block_bitmap) : NULL;
	if (!map)
		return false;
	map[bit / 8] &= (uint8_t)~(1 << bit % 8);
	fs->groups[group].free_blocks++;
	fs->super.free_blocks++;
	ext2_changed(fs, fs->groups[group].block_bitmap);
	ext2_forget(fs, block);
	return true;
}

void ext2_give_inode(struct ext2 *fs, uint32_t number, bool folder)
{
	uint32_t group = (number - 1) / fs->super.inodes_per_group, bit = (number - 1) % fs->super.inodes_per_group;
	uint8_t *map = ext2_block(fs, fs->groups[group].inode_bitmap);
	if (!map)
		return;
	map[bit / 8] &= (uint8_t)~(1 << bit % 8);
	ext2_changed(fs, fs->groups[group].inode_bitmap);
	fs->groups[group].free_inodes++;
	fs->groups[group].folders -= folder;
	fs->super.free_inodes++;
}

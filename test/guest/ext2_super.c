/* What a mount and its end do. */
#include "ext2_disk.h"
#include "memory.h"
#include "virtio_blk.h"

#include <stdio.h>

enum { SUPER_AT = 1024, MAGIC = 0xef53, INODE_SIZE_OLD = 128, FIRST_INODE = 11, NAMES_KINDS = 2, STATE_CLEAN = 1 };
/* Sparse copies of the super block, sizes over 2 GiB, huge files. */
enum { WRITABLE_FEATURES = 1 | 2 | 8 };

static bool is_usable(const struct ext2_super *super, bool read_only)
{
	if (super->magic != MAGIC || super->revision > 1 || super->log_block_size > 2 || !super->blocks_per_group ||
	    !super->inodes_per_group || super->first_data_block >= super->blocks)
		return false;
	if (!super->revision)
		return true;
	if (super->incompatible & ~(uint32_t)NAMES_KINDS)
		printf("ext2fs: unsupported incompat features: 0x%x\n", super->incompatible & ~(uint32_t)NAMES_KINDS);
	else if (!read_only && super->read_only_compatible & ~(uint32_t)WRITABLE_FEATURES)
		printf("ext2fs: unsupported ro-incompat features: 0x%x\n", super->read_only_compatible & ~(uint32_t)WRITABLE_FEATURES);
	else
		return super->first_inode == FIRST_INODE && super->inode_size >= INODE_SIZE_OLD;
	return false;
}

void *ext2_open(struct disk *disk)
{
	struct ext2_super super;
	if (!virtio_blk_read(disk, SUPER_AT, &super, sizeof super) || !is_usable(&super, disk->read_only))
		return NULL;
	struct ext2 *fs = memory_need(sizeof *fs);
	*fs = (struct ext2){ .disk = disk, .super = super, .block_size = 1024u << super.log_block_size };
	fs->group_count = (super.blocks - super.first_data_block + super.blocks_per_group - 1) / super.blocks_per_group;
	fs->inode_size = super.revision ? super.inode_size : INODE_SIZE_OLD;
	fs->was_clean = super.state & STATE_CLEAN;
	fs->has_kinds = super.revision && super.incompatible & NAMES_KINDS;
	size_t length = fs->group_count * sizeof *fs->groups;
	fs->groups = memory_need(length);
	uint64_t groups_at = (super.first_data_block + 1ull) * fs->block_size;
	return virtio_blk_read(disk, groups_at, fs->groups, length) ? fs : NULL;
}

bool ext2_begin_change(struct ext2 *fs)
{
	if (fs->changing)
		return true;
	fs->super.state &= (uint16_t)~STATE_CLEAN;
	fs->changing = virtio_blk_write(fs->disk, SUPER_AT, &fs->super, sizeof fs->super);
	return fs->changing;
}

void ext2_close(void *state)
{
	struct ext2 *fs = state;
	if (!fs->changing || !ext2_write_back(fs) || !virtio_blk_flush(fs->disk))
		return;
	/* What was not clean to begin with waits for its check. */
	if (fs->was_clean)
		fs->super.state |= STATE_CLEAN;
	virtio_blk_write(fs->disk, SUPER_AT, &fs->super, sizeof fs->super);
	virtio_blk_flush(fs->disk);
}

#include "ext2_disk.h"
#include "rtc.h"
#include "virtio_blk.h"

#include <string.h>

enum { SLOTS = sizeof(((struct ext2 *)NULL)->cache) / sizeof(struct ext2_cached), SUPER_AT = 1024 };

static struct ext2_cached *find(struct ext2 *fs, uint32_t block)
{
	for (int i = 0; i < SLOTS; i++)
		if (fs->cache[i].block == block && block)
			return &fs->cache[i];
	return NULL;
}

static bool write_back(struct ext2 *fs, struct ext2_cached *slot)
{
	if (slot->changed && !virtio_blk_write(fs->disk, (uint64_t)slot->block * fs->block_size, slot->data, fs->block_size))
		return false;
	slot->changed = false;
	return true;
}

/* Empties the slot that was not used for the longest time. */
static struct ext2_cached *make_room(struct ext2 *fs)
{
	struct ext2_cached *oldest = fs->cache;
	for (int i = 1; i < SLOTS; i++)
		if (fs->cache[i].used < oldest->used)
			oldest = &fs->cache[i];
	if (!write_back(fs, oldest))
		return NULL;
	oldest->block = 0;
	return oldest;
}

uint8_t *ext2_block(struct ext2 *fs, uint32_t block)
{
	struct ext2_cached *slot = find(fs, block);
	if (!slot) {
		slot = make_room(fs);
		if (!slot || !virtio_blk_read(fs->disk, (uint64_t)block * fs->block_size, slot->data, fs->block_size))
			return NULL;
		slot->block = block;
	}
	slot->used = ++fs->uses;
	return slot->data;
}

uint8_t *ext2_new_block(struct ext2 *fs, uint32_t block)
{
	struct ext2_cached *slot = find(fs, block);
	if (!slot)
		slot = make_room(fs);
	if (!slot)
		return NULL;
	*slot = (struct ext2_cached){ .block = block, .changed = true, .used = ++fs->uses };
	return slot->data;
}

void ext2_changed(struct ext2 *fs, uint32_t block)
{
	find(fs, block)->changed = true;
}

void ext2_forget(struct ext2 *fs, uint32_t block)
{
	struct ext2_cached *slot = find(fs, block);
	if (slot)
		*slot = (struct ext2_cached){ .block = 0 };
}

bool ext2_write_back(struct ext2 *fs)
{
	bool written = true;
	for (int i = 0; i < SLOTS; i++)
		written &= write_back(fs, &fs->cache[i]);
	uint64_t groups_at = (fs->super.first_data_block + 1ull) * fs->block_size;
	written &= virtio_blk_write(fs->disk, groups_at, fs->groups, fs->group_count * sizeof *fs->groups);
	fs->super.write_time = rtc_seconds();
	return written & virtio_blk_write(fs->disk, SUPER_AT, &fs->super, sizeof fs->super);
}

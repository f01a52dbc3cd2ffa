#include "disk_speed.h"

#include "clock.h"
#include "virtio_blk.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { BIG = 64 * 1024, SMALL = 4096, READS = 4000, WRITES = 400 };

/* A part of a disk. */
struct area {
	struct disk *disk;
	uint64_t start, bytes;
	char *buffer;
};

static bool find_area(struct area *area)
{
	for (unsigned i = 0; i < virtio_blk_count(); i++) {
		struct disk *disk = virtio_blk_get(i);
		uint64_t middle = disk->bytes / 2 / BIG * BIG;
		if (disk->read_only || disk->bytes - middle < area->bytes)
			continue;
		area->disk = disk;
		area->start = middle;
		return true;
	}
	return false;
}

static bool move(const struct area *area, bool writes, uint64_t offset, size_t length)
{
	return writes ? virtio_blk_write(area->disk, area->start + offset, area->buffer, length) :
			virtio_blk_read(area->disk, area->start + offset, area->buffer, length);
}

/* In MB/s; 0 where it fails. */
static uint64_t in_turn(const struct area *area, bool writes)
{
	uint64_t begin = clock_nanoseconds();
	for (uint64_t offset = 0; offset < area->bytes; offset += BIG)
		if (!move(area, writes, offset, BIG))
			return 0;
	if (writes && !virtio_blk_flush(area->disk))
		return 0;
	return area->bytes * 1000 / (clock_nanoseconds() - begin);
}

/* In requests a second; 0 where it fails. */
static uint64_t at_random(const struct area *area, bool writes)
{
	uint64_t begin = clock_nanoseconds(), seed = 88172645463325252ull, count = writes ? WRITES : READS;
	for (uint64_t i = 0; i < count; i++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		if (!move(area, writes, seed % (area->bytes / SMALL) * SMALL, SMALL) || (writes && !virtio_blk_flush(area->disk)))
			return 0;
	}
	return count * 1000000000 / (clock_nanoseconds() - begin);
}

int disk_speed_measure(int mebibytes)
{
	struct area area = { .bytes = (uint64_t)mebibytes << 20, .buffer = calloc(1, BIG) };
	if (!area.buffer || !find_area(&area)) {
		printf("probe: no disk has %d MiB to write in its second half\n", mebibytes);
		return 1;
	}
	uint64_t write = in_turn(&area, true), read = in_turn(&area, false);
	uint64_t random_read = at_random(&area, false), random_write = at_random(&area, true);
	printf("{\"write\":%lu,\"read\":%lu,\"randomRead\":%lu,\"randomWrite\":%lu}\n", write, read, random_read, random_write);
	return 0;
}

#pragma once
#include "virtio.h"

#include <stddef.h>

struct disk {
	struct virtio_device *device;
	/* "ld0" and on. */
	char name[8];
	uint64_t bytes;
	bool read_only, can_flush;
	struct virtio_queue queue;
	struct disk_request *request;
};

void virtio_blk_start(struct virtio_device *device);
unsigned virtio_blk_count(void);
struct disk *virtio_blk_get(unsigned index);
/* By "ld0", "ld0a", or these behind "/dev/" or "/dev/r"; NULL if there is none. */
struct disk *virtio_blk_find(const char *name);
/* Both work on any bytes of the disk, and return when the device has them, or they are kept (write_cache.h); false where they do not fit or it fails. */
bool virtio_blk_read(struct disk *disk, uint64_t offset, void *into, size_t length);
bool virtio_blk_write(struct disk *disk, uint64_t offset, const void *from, size_t length);
/* Returns when all that was written will outlive the host, as far as the device promises it; a device without a cache has nothing to do. */
bool virtio_blk_flush(struct disk *disk);

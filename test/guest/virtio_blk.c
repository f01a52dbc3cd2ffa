#include "virtio_blk.h"

#include "clock.h"
#include "memory.h"
#include "write_cache.h"

#include <stdio.h>
#include <string.h>

enum { FEATURE_READ_ONLY = 1 << 5, FEATURE_FLUSH = 1 << 9 };
enum { CONFIG_SECTORS = 0, DISKS_MAX = 32, SECTOR = 512, BUFFER = 64 * 1024, READ = 0, WRITE = 1, FLUSH = 4 };

struct disk_request {
	uint32_t type, reserved;
	uint64_t sector;
	volatile uint8_t status;
	char data[BUFFER];
};

static struct disk *disks[DISKS_MAX];
static unsigned disk_count;

void virtio_blk_start(struct virtio_device *device)
{
	if (disk_count == DISKS_MAX)
		return;
	struct disk *disk = memory_need(sizeof *disk);
	disk->device = device;
	snprintf(disk->name, sizeof disk->name, "ld%u", disk_count);
	uint32_t features = virtio_negotiate(device, FEATURE_READ_ONLY | FEATURE_FLUSH);
	disk->read_only = features & FEATURE_READ_ONLY;
	disk->can_flush = features & FEATURE_FLUSH;
	uint64_t sectors = virtio_config32(device, CONFIG_SECTORS) | (uint64_t)virtio_config32(device, CONFIG_SECTORS + 4) << 32;
	disk->bytes = sectors * SECTOR;
	if (!virtio_open_queue(device, 0, true, &disk->queue))
		return;
	disk->request = memory_pages(sizeof *disk->request);
	virtio_run(device);
	disks[disk_count++] = disk;
}

unsigned virtio_blk_count(void)
{
	return disk_count;
}

struct disk *virtio_blk_get(unsigned index)
{
	return disks[index];
}

struct disk *virtio_blk_find(const char *name)
{
	if (!strncmp(name, "/dev/", 5))
		name += name[5] == 'r' ? 6 : 5;
	for (unsigned i = 0; i < disk_count; i++) {
		size_t length = strlen(disks[i]->name);
		const char *rest = name + length;
		if (!strncmp(name, disks[i]->name, length) && (!*rest || ((*rest == 'a' || *rest == 'd') && !rest[1])))
			return disks[i];
	}
	return NULL;
}

/* Moves whole sectors between the disk and the request's buffer, or none, and waits. */
static bool transfer(struct disk *disk, uint32_t type, uint64_t sector, size_t length)
{
	struct disk_request *request = disk->request;
	struct virtio_descriptor *descriptors = disk->queue.descriptors;
	request->type = type;
	request->reserved = 0;
	request->sector = sector;
	request->status = 0xff;
	descriptors[0] = (struct virtio_descriptor){ (uintptr_t)request, 16, VIRTIO_NEXT, 1 };
	descriptors[1] = (struct virtio_descriptor){
		(uintptr_t)request->data, (uint32_t)length, (uint16_t)(VIRTIO_NEXT | (type == READ ? VIRTIO_DEVICE_WRITES : 0)), 2,
	};
	if (!length)
		descriptors[0].next = 2;
	descriptors[2] = (struct virtio_descriptor){ (uintptr_t)&request->status, 1, VIRTIO_DEVICE_WRITES, 0 };
	virtio_offer(&disk->queue, 0);
	virtio_notify(&disk->queue);
	uint16_t head;
	uint32_t written;
	while (!virtio_take(&disk->queue, &head, &written))
		clock_idle_until(UINT64_MAX);
	return request->status == 0;
}

static bool fits(const struct disk *disk, uint64_t offset, size_t length)
{
	return offset <= disk->bytes && length <= disk->bytes - offset;
}

static bool read_now(struct disk *disk, uint64_t offset, void *into, size_t length)
{
	while (length) {
		size_t skip = offset % SECTOR, part = BUFFER - skip < length ? BUFFER - skip : length;
		if (!transfer(disk, READ, offset / SECTOR, (skip + part + SECTOR - 1) / SECTOR * SECTOR))
			return false;
		memcpy(into, disk->request->data + skip, part);
		into = (char *)into + part;
		offset += part;
		length -= part;
	}
	return true;
}

bool virtio_blk_read(struct disk *disk, uint64_t offset, void *into, size_t length)
{
	if (!fits(disk, offset, length) || !read_now(disk, offset, into, length))
		return false;
	write_cache_lay(disk, offset, into, length);
	return true;
}

static bool write_now(struct disk *disk, uint64_t offset, const void *from, size_t length)
{
	while (length) {
		size_t skip = offset % SECTOR, part = BUFFER - skip < length ? BUFFER - skip : length;
		size_t whole = (skip + part + SECTOR - 1) / SECTOR * SECTOR;
		/* Sectors at the ends that are only written in part keep the rest. */
		if (whole != part && !transfer(disk, READ, offset / SECTOR, whole))
			return false;
		memcpy(disk->request->data + skip, from, part);
		if (!transfer(disk, WRITE, offset / SECTOR, whole))
			return false;
		from = (const char *)from + part;
		offset += part;
		length -= part;
	}
	return true;
}

bool virtio_blk_write(struct disk *disk, uint64_t offset, const void *from, size_t length)
{
	if (disk->read_only || !fits(disk, offset, length))
		return false;
	if (write_cache_is_on() && write_cache_put(disk, offset, from, length))
		return true;
	return write_cache_empty(disk, write_now) && write_now(disk, offset, from, length);
}

bool virtio_blk_flush(struct disk *disk)
{
	return write_cache_empty(disk, write_now) && (!disk->can_flush || transfer(disk, FLUSH, 0, 0));
}

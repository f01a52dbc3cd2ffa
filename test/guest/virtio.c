#include "virtio.h"

#include "cpu.h"
#include "memory.h"
#include "pci.h"
#include "virtio_blk.h"
#include "virtio_net.h"

#include <string.h>

enum { HOST_FEATURES = 0, GUEST_FEATURES = 4, QUEUE_PAGE = 8, QUEUE_SIZE = 12, QUEUE_SELECT = 14, QUEUE_NOTIFY = 16, STATUS = 18,
       INTERRUPT_STATUS = 19, CONFIG = 20 };
enum { ACKNOWLEDGED = 1, DRIVER = 2, DRIVER_OK = 4 };
enum { VENDOR = 0x1af4, NET = 0x1000, BLK = 0x1001, PAGE = 4096, DEVICES_MAX = 64, NO_INTERRUPT = 1 };

static struct virtio_device devices[DEVICES_MAX];
static unsigned device_count;

static void found(struct pci_function at)
{
	if (at.vendor != VENDOR || (at.device != NET && at.device != BLK) || device_count == DEVICES_MAX)
		return;
	uint32_t bar = pci_read(at, 0x10);
	if (!(bar & 1))
		return;
	struct virtio_device *device = &devices[device_count++];
	device->port = (uint16_t)(bar & 0xfffc);
	device->interrupt_line = (uint8_t)pci_read(at, 0x3c) & 15;
	/* Port I/O and bus mastering on. */
	pci_write(at, 0x04, (pci_read(at, 0x04) & 0xffff) | 5);
	out8(device->port + STATUS, 0);
	out8(device->port + STATUS, ACKNOWLEDGED | DRIVER);
	if (at.device == NET)
		virtio_net_start(device);
	else
		virtio_blk_start(device);
	cpu_enable_interrupt(device->interrupt_line);
}

void virtio_start(void)
{
	pci_each(found);
}

void virtio_acknowledge(unsigned line)
{
	for (unsigned i = 0; i < device_count; i++)
		if (devices[i].interrupt_line == line)
			in8(devices[i].port + INTERRUPT_STATUS);
}

uint32_t virtio_negotiate(const struct virtio_device *device, uint32_t wanted)
{
	uint32_t taken = in32(device->port + HOST_FEATURES) & wanted;
	out32(device->port + GUEST_FEATURES, taken);
	return taken;
}

bool virtio_open_queue(const struct virtio_device *device, uint16_t index, bool with_interrupts, struct virtio_queue *queue)
{
	out16(device->port + QUEUE_SELECT, index);
	uint16_t size = in16(device->port + QUEUE_SIZE);
	if (!size)
		return false;
	size_t available_at = size * sizeof(struct virtio_descriptor);
	size_t used_at = (available_at + 6 + 2u * size + PAGE - 1) & ~(size_t)(PAGE - 1);
	size_t length = used_at + 6 + 8u * size;
	char *ring = memory_pages(length);
	memset(ring, 0, length);
	*queue = (struct virtio_queue){
		.device = device, .index = index, .size = size, .descriptors = (void *)ring,
		.available = (void *)(ring + available_at), .used = (void *)(ring + used_at),
	};
	queue->available[0] = with_interrupts ? 0 : NO_INTERRUPT;
	out32(device->port + QUEUE_PAGE, (uint32_t)((uintptr_t)ring / PAGE));
	return true;
}

void virtio_run(const struct virtio_device *device)
{
	out8(device->port + STATUS, ACKNOWLEDGED | DRIVER | DRIVER_OK);
}

uint8_t virtio_config8(const struct virtio_device *device, unsigned offset)
{
	return in8((uint16_t)(device->port + CONFIG + offset));
}

uint16_t virtio_config16(const struct virtio_device *device, unsigned offset)
{
	return in16((uint16_t)(device->port + CONFIG + offset));
}

uint32_t virtio_config32(const struct virtio_device *device, unsigned offset)
{
	return in32((uint16_t)(device->port + CONFIG + offset));
}

void virtio_offer(struct virtio_queue *queue, uint16_t head)
{
	uint16_t next = queue->available[1];
	queue->available[2 + next % queue->size] = head;
	__asm__ volatile("" : : : "memory");
	queue->available[1] = (uint16_t)(next + 1);
}

/*
 * Always, even where the device asks not to be told: QEMU before 8.1 leaves fences out when it emulates one CPU, so
 * that its "tell me again" may cross our look at it, and both would wait for ever. A port write orders everything.
 */
void virtio_notify(const struct virtio_queue *queue)
{
	out16(queue->device->port + QUEUE_NOTIFY, queue->index);
}

bool virtio_take(struct virtio_queue *queue, uint16_t *head, uint32_t *written)
{
	if (queue->used_seen == queue->used[1])
		return false;
	__asm__ volatile("" : : : "memory");
	const volatile uint32_t *element = (const volatile uint32_t *)(queue->used + 2) + 2 * (queue->used_seen % queue->size);
	*head = (uint16_t)element[0];
	*written = element[1];
	queue->used_seen++;
	return true;
}

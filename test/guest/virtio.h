/* Legacy virtio over PCI port I/O (virtio 1.2, section 4.1.4.8); a transitional device speaks it, a modern-only one does not. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct virtio_device {
	uint16_t port;
	uint8_t interrupt_line;
};

struct virtio_descriptor {
	uint64_t address;
	uint32_t length;
	uint16_t flags, next;
};

enum { VIRTIO_NEXT = 1, VIRTIO_DEVICE_WRITES = 2 };

struct virtio_queue {
	const struct virtio_device *device;
	uint16_t index, size;
	struct virtio_descriptor *descriptors;
	volatile uint16_t *available;
	volatile uint16_t *used;
	uint16_t used_seen;
};

/* Finds and starts the machine's legacy virtio devices on PCI bus 0, in the order of their slots. */
void virtio_start(void);
/* Takes back the interrupt of that line from every device that raised it. */
void virtio_acknowledge(unsigned line);

/* Says which of the wanted feature bits the device has, and takes those. */
uint32_t virtio_negotiate(const struct virtio_device *device, uint32_t wanted);
/* False where the device has no such queue. */
bool virtio_open_queue(const struct virtio_device *device, uint16_t index, bool with_interrupts, struct virtio_queue *queue);
/* The device may work from here on. */
void virtio_run(const struct virtio_device *device);
uint8_t virtio_config8(const struct virtio_device *device, unsigned offset);
uint16_t virtio_config16(const struct virtio_device *device, unsigned offset);
uint32_t virtio_config32(const struct virtio_device *device, unsigned offset);

/* Hands over the chain that starts at that descriptor; the device looks after virtio_notify. */
void virtio_offer(struct virtio_queue *queue, uint16_t head);
void virtio_notify(const struct virtio_queue *queue);
/* Takes one finished chain; false when there is none. */
bool virtio_take(struct virtio_queue *queue, uint16_t *head, uint32_t *written);

#include "virtio_net.h"

#include "memory.h"

#include <string.h>

enum { FEATURE_MTU = 1 << 3, FEATURE_MAC = 1 << 5, FEATURE_STATUS = 1 << 16, FEATURE_CONTROL = 1 << 17 };
enum { CONFIG_MAC = 0, CONFIG_MTU = 10, NICS_MAX = 16, BUFFERS = 64, HEADER = 10, ETHERNET = 18, ROUND = 2048, DEFAULT_MTU = 1500 };

static struct nic *nics[NICS_MAX];
static unsigned nic_count;

static void fill_receive_queue(struct nic *nic)
{
	for (uint16_t i = 0; i < BUFFERS && i < nic->receive.size; i++) {
		nic->receive.descriptors[i] = (struct virtio_descriptor){
			.address = (uintptr_t)(nic->receive_buffers + i * nic->buffer_size),
			.length = (uint32_t)nic->buffer_size, .flags = VIRTIO_DEVICE_WRITES,
		};
		virtio_offer(&nic->receive, i);
	}
	virtio_notify(&nic->receive);
}

void virtio_net_start(struct virtio_device *device)
{
	if (nic_count == NICS_MAX)
		return;
	struct nic *nic = memory_need(sizeof *nic);
	memset(nic, 0, sizeof *nic);
	nic->device = device;
	/* No checksum offload and no merged buffers: every frame arrives whole, with its checksums right. */
	uint32_t features = virtio_negotiate(device, FEATURE_MTU | FEATURE_MAC | FEATURE_STATUS | FEATURE_CONTROL);
	for (unsigned i = 0; i < sizeof nic->mac; i++)
		nic->mac[i] = virtio_config8(device, CONFIG_MAC + i);
	memcpy(nic->only_mac, nic->mac, sizeof nic->only_mac);
	nic->is_filtered = features & FEATURE_CONTROL;
	nic->mtu = features & FEATURE_MTU ? virtio_config16(device, CONFIG_MTU) : DEFAULT_MTU;
	if (!virtio_open_queue(device, 0, true, &nic->receive) || !virtio_open_queue(device, 1, false, &nic->send))
		return;
	nic->buffer_size = ((size_t)nic->mtu + ETHERNET + HEADER + ROUND - 1) / ROUND * ROUND;
	nic->receive_buffers = memory_pages(BUFFERS * nic->buffer_size);
	nic->send_buffers = memory_pages(BUFFERS * nic->buffer_size);
	while (nic->send_free_count < BUFFERS && nic->send_free_count < nic->send.size) {
		nic->send_free[nic->send_free_count] = (uint16_t)nic->send_free_count;
		nic->send_free_count++;
	}
	virtio_run(device);
	fill_receive_queue(nic);
	nics[nic_count++] = nic;
}

unsigned virtio_net_count(void)
{
	return nic_count;
}

struct nic *virtio_net_get(unsigned index)
{
	return nics[index];
}

char *virtio_net_send_buffer(struct nic *nic)
{
	uint16_t head;
	uint32_t written;
	while (virtio_take(&nic->send, &head, &written))
		nic->send_free[nic->send_free_count++] = head;
	if (!nic->send_free_count) {
		virtio_net_flush(nic);
		return NULL;
	}
	return nic->send_buffers + nic->send_free[nic->send_free_count - 1] * nic->buffer_size + HEADER;
}

void virtio_net_send(struct nic *nic, size_t length)
{
	uint16_t slot = nic->send_free[--nic->send_free_count];
	char *buffer = nic->send_buffers + slot * nic->buffer_size;
	memset(buffer, 0, HEADER);
	nic->send.descriptors[slot] = (struct virtio_descriptor){ .address = (uintptr_t)buffer, .length = (uint32_t)(HEADER + length) };
	virtio_offer(&nic->send, slot);
	nic->unsent = true;
}

void virtio_net_flush(struct nic *nic)
{
	if (nic->unsent)
		virtio_notify(&nic->send);
	nic->unsent = false;
}

bool virtio_net_receive(struct nic *nic, void (*arrived)(struct nic *nic, const char *frame, size_t length))
{
	uint16_t slot;
	uint32_t written;
	bool any = false;
	while (virtio_take(&nic->receive, &slot, &written)) {
		if (written > HEADER)
			arrived(nic, nic->receive_buffers + slot * nic->buffer_size + HEADER, written - HEADER);
		virtio_offer(&nic->receive, slot);
		any = true;
	}
	if (any)
		virtio_notify(&nic->receive);
	return any;
}

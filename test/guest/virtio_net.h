#pragma once
#include "virtio.h"

#include <stddef.h>

struct nic {
	struct virtio_device *device;
	uint8_t mac[6];
	/* A card that can be told what to take is told nothing by us, as if it took what a rump kernel has it take: its own address. */
	uint8_t only_mac[6];
	bool is_filtered;
	uint16_t mtu;
	struct virtio_queue receive, send;
	/* Each buffer holds the header and a frame. */
	size_t buffer_size;
	char *receive_buffers, *send_buffers;
	uint16_t send_free[64];
	unsigned send_free_count;
	/* Frames were queued since the device was last told. */
	bool unsent;
};

void virtio_net_start(struct virtio_device *device);
unsigned virtio_net_count(void);
struct nic *virtio_net_get(unsigned index);
/* Room for one frame to send, or NULL while all are in use. */
char *virtio_net_send_buffer(struct nic *nic);
/* Queues what was put into the last buffer that virtio_net_send_buffer gave. */
void virtio_net_send(struct nic *nic, size_t length);
/* Has the device send what is queued. */
void virtio_net_flush(struct nic *nic);
/* Calls with each frame that has arrived; true if there was one. */
bool virtio_net_receive(struct nic *nic, void (*arrived)(struct nic *nic, const char *frame, size_t length));

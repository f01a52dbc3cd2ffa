/* lwIP's interfaces on the machine's network cards, and the one place where both are served. */
#include "network.h"

#include "clock.h"
#include "config.h"
#include "ending.h"
#include "events.h"
#include "memory.h"
#include "network_interface.h"
#include "virtio_net.h"

#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/init.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <stdio.h>
#include <string.h>

enum { INTERFACES_MAX = 16 };

static struct interface *interfaces[INTERFACES_MAX];

u32_t sys_now(void);

u32_t sys_now(void)
{
	return clock_milliseconds();
}

static uint64_t state;

void network_add_entropy(const uint8_t *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		state ^= (uint64_t)bytes[i] << i % sizeof state * 8;
}

uint32_t network_random(void)
{
	if (!state)
		state = clock_nanoseconds() ^ __builtin_ia32_rdtsc() ^ 0x9e3779b97f4a7c15ull;
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16);
}

void network_broken(const char *message)
{
	kernel_panic(message);
}

static err_t send(struct netif *lwip, struct pbuf *packet)
{
	struct nic *nic = ((struct interface *)lwip->state)->nic;
	char *frame = virtio_net_send_buffer(nic);
	if (!frame)
		return ERR_MEM;
	pbuf_copy_partial(packet, frame, packet->tot_len, 0);
	virtio_net_send(nic, packet->tot_len);
	return ERR_OK;
}

static void arrived(struct nic *nic, const char *frame, size_t length)
{
	struct netif *lwip = network_for_frame(&network_of_nic(nic)->lwip, frame, length);
	if (!(frame[0] & 1) && (memcmp(frame, nic->mac, sizeof nic->mac) || (nic->is_filtered && memcmp(frame, nic->only_mac, sizeof nic->only_mac))))
		return;
	struct pbuf *packet = pbuf_alloc(PBUF_RAW, (u16_t)length, PBUF_RAM);
	if (!packet)
		return;
	pbuf_take(packet, frame, (u16_t)length);
	if (lwip->input(packet, lwip) != ERR_OK)
		pbuf_free(packet);
}

static err_t prepare(struct netif *lwip)
{
	const struct interface *interface = lwip->state;
	lwip->name[0] = 'v';
	lwip->name[1] = 'i';
	lwip->hostname = config.hostname;
	lwip->mtu = interface->nic->mtu;
	lwip->hwaddr_len = sizeof interface->nic->mac;
	memcpy(lwip->hwaddr, interface->nic->mac, sizeof interface->nic->mac);
	lwip->output = etharp_output;
	lwip->output_ip6 = ethip6_output;
	lwip->linkoutput = send;
	lwip->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_MLD6;
	return ERR_OK;
}

void network_start(void)
{
	lwip_init();
	for (unsigned i = 0; i < virtio_net_count() && i < INTERFACES_MAX; i++) {
		struct interface *interface = memory_need(sizeof *interface);
		memset(interface, 0, sizeof *interface);
		interfaces[i] = interface;
		interface->nic = virtio_net_get(i);
		snprintf(interface->name, sizeof interface->name, "vioif%u", i);
		netif_add_noaddr(&interface->lwip, interface, prepare, ethernet_input);
	}
}

struct interface *network_find(const char *name)
{
	for (unsigned i = 0; i < INTERFACES_MAX && interfaces[i]; i++)
		if (!strcmp(interfaces[i]->name, name))
			return interfaces[i];
	return NULL;
}

struct interface *network_of_nic(const struct nic *nic)
{
	unsigned i = 0;
	while (interfaces[i]->nic != nic)
		i++;
	return interfaces[i];
}

static bool same_prefix(const ip6_addr_t *a, const ip6_addr_t *b, unsigned bits)
{
	for (unsigned word = 0; bits; word++) {
		unsigned here = bits < 32 ? bits : 32;
		if ((lwip_ntohl(a->addr[word]) ^ lwip_ntohl(b->addr[word])) >> (32 - here))
			return false;
		bits -= here;
	}
	return true;
}

struct interface *network_on_link_ipv6(const ip6_addr_t *address)
{
	for (unsigned i = 0; i < INTERFACES_MAX && interfaces[i]; i++)
		for (unsigned slot = 0; slot < LWIP_IPV6_NUM_ADDRESSES; slot++)
			if (interfaces[i]->prefixes[slot] &&
			    same_prefix(address, netif_ip6_addr(&interfaces[i]->lwip, slot), interfaces[i]->prefixes[slot]))
				return interfaces[i];
	return NULL;
}

bool network_poll(void)
{
	bool any = false;
	for (unsigned i = 0; i < virtio_net_count(); i++)
		any |= virtio_net_receive(virtio_net_get(i), arrived);
	netif_poll_all();
	sys_check_timeouts();
	for (unsigned i = 0; i < virtio_net_count(); i++)
		virtio_net_flush(virtio_net_get(i));
	return any;
}

uint64_t network_deadline(void)
{
	u32_t left = sys_timeouts_sleeptime();
	return left == SYS_TIMEOUTS_SLEEPTIME_INFINITE ? UINT64_MAX : clock_nanoseconds() + (uint64_t)left * 1000000;
}

void events_wait(uint64_t until)
{
	if (network_poll())
		return;
	uint64_t deadline = network_deadline();
	clock_idle_until(until < deadline ? until : deadline);
}

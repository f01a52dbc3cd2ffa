/* A running interface gets other addresses. lwIP has one IPv4 address for each, so a second one is an interface on the same card. */
#include "network_identity.h"

#include "network.h"
#include "network_interface.h"
#include "virtio_net.h"

#include <lwip/etharp.h>
#include <lwip/ip6_addr.h>

#include <string.h>

enum { NOT_THERE = 49, BUSY = 16, EXISTS = 17, NO_ROUTE = 3, INVALID = 22 };

static struct interface second;
/* The address of the default route's, and a MAC address that is no longer in use. */
static ip4_addr_t route_own;
static uint8_t spare_mac[6];

static struct netif *first(void)
{
	return &network_find("vioif0")->lwip;
}

static ip4_addr_t address_of(const uint8_t *bytes)
{
	ip4_addr_t address;
	memcpy(&address.addr, bytes, sizeof address.addr);
	return address;
}

static bool is_second(void)
{
	return !ip4_addr_isany(netif_ip4_addr(&second.lwip));
}

struct netif *network_for_frame(struct netif *lwip, const char *frame, size_t length)
{
	enum { TYPE = 12, ARP_TARGET = 38 };
	if (!is_second() || length < ARP_TARGET + 4 || memcmp(frame + TYPE, "\x08\x06", 2))
		return lwip;
	return memcmp(frame + ARP_TARGET, &netif_ip4_addr(&second.lwip)->addr, 4) ? lwip : &second.lwip;
}

static void take_mac(struct netif *lwip, const uint8_t *mac)
{
	memcpy(lwip->hwaddr, mac, sizeof lwip->hwaddr);
}

int network_set_mac(const uint8_t *mac, bool active)
{
	struct netif *lwip = first();
	if (mac[0] & 1)
		return INVALID;
	if (!active)
		return 0;
	struct nic *nic = ((struct interface *)lwip->state)->nic;
	memcpy(spare_mac, nic->mac, sizeof spare_mac);
	memcpy(nic->mac, mac, sizeof nic->mac);
	take_mac(lwip, mac);
	if (is_second())
		take_mac(&second.lwip, mac);
	etharp_gratuitous(lwip);
	return 0;
}

int network_forget_mac(const uint8_t *mac)
{
	if (!memcmp(mac, first()->hwaddr, sizeof spare_mac))
		return BUSY;
	return memcmp(mac, spare_mac, sizeof spare_mac) ? NOT_THERE : 0;
}

static err_t prepare(struct netif *lwip)
{
	struct netif *model = first();
	lwip->name[0] = 'v';
	lwip->name[1] = '2';
	lwip->mtu = model->mtu;
	lwip->hwaddr_len = model->hwaddr_len;
	take_mac(lwip, model->hwaddr);
	lwip->output = model->output;
	lwip->linkoutput = model->linkoutput;
	lwip->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_UP | NETIF_FLAG_LINK_UP;
	return ERR_OK;
}

int network_add_address(const uint8_t *bytes, const uint8_t *mask_bytes)
{
	ip4_addr_t address = address_of(bytes), mask = address_of(mask_bytes);
	if (ip4_addr_cmp(&address, netif_ip4_addr(first())))
		return 0;
	if (is_second())
		return EXISTS;
	second.nic = ((struct interface *)first()->state)->nic;
	netif_add(&second.lwip, &address, &mask, IP4_ADDR_ANY4, &second, prepare, first()->input);
	return 0;
}

/* Its connections end with it; those of the second address, which becomes the first, go on. */
int network_remove_address(const uint8_t *bytes)
{
	ip4_addr_t address = address_of(bytes);
	struct netif *lwip = first();
	if (!ip4_addr_cmp(&address, netif_ip4_addr(lwip)))
		return NOT_THERE;
	ip4_addr_t next = *netif_ip4_addr(&second.lwip), mask = *netif_ip4_netmask(&second.lwip), gateway = *netif_ip4_gw(lwip);
	if (is_second()) {
		ip4_addr_set_zero(ip_2_ip4(&second.lwip.ip_addr));
		netif_remove(&second.lwip);
	}
	/* A default route keeps an address that went, and leads nowhere by that. */
	if (!ip4_addr_cmp(&route_own, &next))
		ip4_addr_set_zero(&gateway);
	netif_set_addr(lwip, &next, &mask, &gateway);
	return 0;
}

int network_set_link_local(const uint8_t *bytes)
{
	ip6_addr_t address;
	struct netif *lwip = first();
	memcpy(address.addr, bytes, sizeof address.addr);
	ip6_addr_clear_zone(&address);
	if (!ip6_addr_islinklocal(&address))
		return INVALID;
	ip6_addr_assign_zone(&address, IP6_UNICAST, lwip);
	netif_ip6_addr_set_parts(lwip, 0, address.addr[0], address.addr[1], address.addr[2], address.addr[3]);
	netif_ip6_addr_set_state(lwip, 0, IP6_ADDR_PREFERRED);
	return 0;
}

int network_remove_link_local(const uint8_t *bytes)
{
	struct netif *lwip = first();
	if (!ip6_addr_isvalid(netif_ip6_addr_state(lwip, 0)) || memcmp(netif_ip6_addr(lwip, 0)->addr, bytes, 16))
		return NOT_THERE;
	netif_ip6_addr_set_state(lwip, 0, IP6_ADDR_INVALID);
	return 0;
}

bool network_neighbour(unsigned *place, uint8_t *address, uint8_t *mac)
{
	ip4_addr_t *ip;
	struct netif *lwip;
	struct eth_addr *known;
	for (; *place < ARP_TABLE_SIZE; ++*place) {
		if (!etharp_get_entry(*place, &ip, &lwip, &known))
			continue;
		memcpy(address, &ip->addr, sizeof ip->addr);
		memcpy(mac, known->addr, sizeof known->addr);
		return true;
	}
	return false;
}

int network_change_route(const uint8_t *gateway_bytes, const uint8_t *own_bytes)
{
	ip4_addr_t gateway = address_of(gateway_bytes), own = address_of(own_bytes);
	struct netif *lwip = first();
	if (ip4_addr_isany(netif_ip4_gw(lwip)))
		return NO_ROUTE;
	if (!ip4_addr_cmp(&own, netif_ip4_addr(lwip)) && !ip4_addr_cmp(&own, netif_ip4_addr(&second.lwip)))
		return INVALID;
	route_own = own;
	netif_set_gw(lwip, &gateway);
	return 0;
}

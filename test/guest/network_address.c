#include "network.h"

#include "clock.h"
#include "events.h"
#include "network_interface.h"
#include "virtio_net.h"

#include <lwip/dhcp.h>
#include <lwip/nd6.h>

#include <stdio.h>
#include <string.h>

enum { DHCP_SECONDS = 15, AUTOCONFIGURE_SECONDS = 4, NO_SUCH_DEVICE = 6, TIMED_OUT = 60 };

#define SECOND 1000000000ull

static ip6_addr_t ipv6_gateway;
static struct interface *ipv6_gateway_interface, *ipv4_gateway_interface;

static struct interface *bring_up(const char *name)
{
	struct interface *interface = network_find(name);
	if (interface && !netif_is_up(&interface->lwip)) {
		netif_set_link_up(&interface->lwip);
		netif_set_up(&interface->lwip);
		netif_create_ip6_linklocal_address(&interface->lwip, 1);
		/* Only an interface that configures itself asks for routers. */
		interface->lwip.rs_count = 0;
	}
	return interface;
}

bool network_add_ipv4(const char *name, const char *text, int prefix)
{
	ip4_addr_t address, mask;
	if (!network_find(name) || !ip4addr_aton(text, &address) || prefix < 0 || prefix > 32)
		return false;
	struct interface *interface = bring_up(name);
	/* lwIP has one IPv4 address for each interface. */
	if (!ip4_addr_isany(netif_ip4_addr(&interface->lwip)))
		return false;
	ip4_addr_set_u32(&mask, lwip_htonl(prefix ? ~0u << (32 - prefix) : 0));
	netif_set_addr(&interface->lwip, &address, &mask, IP4_ADDR_ANY4);
	return true;
}

bool network_add_ipv6(const char *name, const char *text, int prefix)
{
	ip6_addr_t address;
	s8_t slot;
	if (!network_find(name) || !ip6addr_aton(text, &address) || prefix < 1 || prefix > 128)
		return false;
	struct interface *interface = bring_up(name);
	ip6_addr_assign_zone(&address, IP6_UNICAST, &interface->lwip);
	if (netif_add_ip6_address(&interface->lwip, &address, &slot) != ERR_OK)
		return false;
	netif_ip6_addr_set_state(&interface->lwip, slot, IP6_ADDR_PREFERRED);
	/* Not "static" for lwIP, which would take its network for a /64: the hooks below know the prefix. */
	netif_ip6_addr_set_valid_life(&interface->lwip, slot, IP6_ADDR_LIFE_INFINITE);
	netif_ip6_addr_set_pref_life(&interface->lwip, slot, IP6_ADDR_LIFE_INFINITE);
	interface->prefixes[slot] = (uint8_t)prefix;
	return true;
}

int network_dhcp(const char *name)
{
	struct interface *interface = bring_up(name);
	if (!interface || dhcp_start(&interface->lwip) != ERR_OK) {
		printf("cannot init %s (18)\n", name);
		return NO_SUCH_DEVICE;
	}
	uint64_t until = clock_nanoseconds() + DHCP_SECONDS * SECOND;
	while (!dhcp_supplied_address(&interface->lwip)) {
		if (clock_nanoseconds() >= until)
			return TIMED_OUT;
		events_wait(until);
	}
	netif_set_default(&interface->lwip);
	ipv4_gateway_interface = interface;
	return 0;
}

bool network_autoconfigure(const char *name)
{
	struct interface *interface = bring_up(name);
	if (!interface)
		return false;
	netif_set_ip6_autoconfig_enabled(&interface->lwip, 1);
	interface->lwip.rs_count = LWIP_ND6_MAX_MULTICAST_SOLICIT;
	uint64_t until = clock_nanoseconds() + AUTOCONFIGURE_SECONDS * SECOND;
	/* Slot 0 is the link-local address. */
	while (!ip6_addr_ispreferred(netif_ip6_addr_state(&interface->lwip, 1)) && clock_nanoseconds() < until)
		events_wait(until);
	return true;
}

bool network_set_ipv4_gateway(const char *text)
{
	ip4_addr_t gateway;
	struct netif *lwip;
	if (ipv4_gateway_interface || !ip4addr_aton(text, &gateway))
		return false;
	NETIF_FOREACH(lwip) {
		const ip4_addr_t *address = netif_ip4_addr(lwip);
		if (lwip->output != netif_list->output || ip4_addr_isany(address) || !ip4_addr_netcmp(&gateway, address, netif_ip4_netmask(lwip)))
			continue;
		ipv4_gateway_interface = lwip->state;
		netif_set_gw(lwip, &gateway);
		netif_set_default(lwip);
		return true;
	}
	return false;
}

bool network_set_ipv6_gateway(const char *text)
{
	ip6_addr_t gateway;
	if (ipv6_gateway_interface || !ip6addr_aton(text, &gateway) || ip6_addr_islinklocal(&gateway))
		return false;
	ipv6_gateway_interface = network_on_link_ipv6(&gateway);
	ipv6_gateway = gateway;
	return ipv6_gateway_interface;
}

struct netif *network_route_ipv6(const ip6_addr_t *destination)
{
	struct interface *interface = network_on_link_ipv6(destination);
	if (!interface && !ip6_addr_isloopback(destination))
		interface = ipv6_gateway_interface;
	return interface ? &interface->lwip : NULL;
}

const ip6_addr_t *network_next_hop_ipv6(struct netif *lwip, const ip6_addr_t *destination)
{
	struct interface *on_link = network_on_link_ipv6(destination);
	if (on_link && &on_link->lwip == lwip)
		return destination;
	return ipv6_gateway_interface && &ipv6_gateway_interface->lwip == lwip ? &ipv6_gateway : NULL;
}

/* Small letters, and without "%1" and the like, which name lwIP's own zones. */
void network_address_text(const ip_addr_t *address, char *into, size_t room)
{
	ipaddr_ntoa_r(address, into, (int)room);
	char *c = into;
	for (; *c && *c != '%'; c++)
		*c |= *c >= 'A' && *c <= 'F' ? 0x20 : 0;
	*c = '\0';
}

void network_each_address(const struct nic *nic, void (*found)(void *context, const char *address), void *context)
{
	const struct interface *interface = network_of_nic(nic);
	const struct netif *lwip = &interface->lwip;
	char address[IPADDR_STRLEN_MAX], text[sizeof address + 8];
	if (!ip4_addr_isany(netif_ip4_addr(lwip))) {
		network_address_text(netif_ip_addr4(lwip), address, sizeof address);
		uint32_t host_bits = ~lwip_ntohl(netif_ip4_netmask(lwip)->addr);
		snprintf(text, sizeof text, "%s/%d", address, host_bits ? __builtin_clz(host_bits) : 32);
		found(context, text);
	}
	/* Slot 0, the link-local address, comes last. */
	for (int i = 1; i <= LWIP_IPV6_NUM_ADDRESSES; i++) {
		int slot = i % LWIP_IPV6_NUM_ADDRESSES;
		if (!ip6_addr_isvalid(netif_ip6_addr_state(lwip, slot)))
			continue;
		network_address_text(netif_ip_addr6(lwip, slot), address, sizeof address);
		snprintf(text, sizeof text, "%s/%d", address, interface->prefixes[slot] ?: 64);
		found(context, text);
	}
}

bool network_gateway(int family, char *into, size_t room)
{
	const struct interface *interface = family == 4 ? ipv4_gateway_interface : ipv6_gateway_interface;
	if (!interface || (family == 4 && ip4_addr_isany(netif_ip4_gw(&interface->lwip))))
		return false;
	ip_addr_t gateway;
	if (family == 4)
		ip_addr_copy_from_ip4(gateway, *netif_ip4_gw(&interface->lwip));
	else
		ip_addr_copy_from_ip6(gateway, ipv6_gateway);
	network_address_text(&gateway, into, room);
	return true;
}

#pragma once
#include <lwip/netif.h>
#include <lwip/ip_addr.h>

/* An lwIP interface of a card, with what lwIP has no room for. */
struct interface {
	struct netif lwip;
	struct nic *nic;
	char name[12];
	/* Of each IPv6 address; lwIP knows only /64. */
	uint8_t prefixes[LWIP_IPV6_NUM_ADDRESSES];
};

/* By "vioif0" and so on; NULL if there is none. */
struct interface *network_find(const char *name);
struct interface *network_of_nic(const struct nic *nic);
/* The interface on whose network that address is, or NULL. */
struct interface *network_on_link_ipv6(const ip6_addr_t *address);
/* The interface whose frame it is: that of the card's second address for who asks for that. */
struct netif *network_for_frame(struct netif *lwip, const char *frame, size_t length);
void network_address_text(const ip_addr_t *address, char *into, size_t room);

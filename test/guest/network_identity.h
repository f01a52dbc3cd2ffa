#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Change what vioif0 is; addresses as on the wire. 0 or NetBSD's error. */
int network_set_mac(const uint8_t *mac, bool active);
int network_forget_mac(const uint8_t *mac);
int network_add_address(const uint8_t *address, const uint8_t *mask);
int network_remove_address(const uint8_t *address);
int network_set_link_local(const uint8_t *address);
int network_remove_link_local(const uint8_t *address);
/* The next that is known by ARP, from *place on; false if there is none. */
bool network_neighbour(unsigned *place, uint8_t *address, uint8_t *mac);
/* The default route goes by that gateway, for what has that own address. */
int network_change_route(const uint8_t *gateway, const uint8_t *own);

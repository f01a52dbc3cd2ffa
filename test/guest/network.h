#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netif;
struct nic;

/* As the configuration has it: text, each NULL where it is missing. */
struct network_address {
	const char *text, *prefix, *gateway;
};

/* These change the interface of that name, "vioif0", and fail where it does not exist or the address is wrong. */
bool network_add_ipv4(const char *interface, const char *address, int prefix);
bool network_add_ipv6(const char *interface, const char *address, int prefix);
/* Waits for an answer; gives 0 or an error number. */
int network_dhcp(const char *interface);
bool network_autoconfigure(const char *interface);
/* A gateway must be on one of the networks; there can be one for each family. */
bool network_set_ipv4_gateway(const char *address);
bool network_set_ipv6_gateway(const char *address);

/* For what network_random gives from now on. */
void network_add_entropy(const uint8_t *bytes, size_t length);

/* Makes an interface of each network card. */
void network_start(void);
/* Takes what has arrived and runs the timers that are due; true if something arrived. */
bool network_poll(void);
/* When the next timer is due. */
uint64_t network_deadline(void);

/* Calls with each address of the card as text, "172.17.0.2/16". */
void network_each_address(const struct nic *nic, void (*found)(void *context, const char *address), void *context);
/* Writes the gateway of that family (4 or 6) as text; false if there is none. */
bool network_gateway(int family, char *into, size_t room);

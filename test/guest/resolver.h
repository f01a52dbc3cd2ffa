#pragma once
#include "dns.h"

typedef void (*resolver_done)(void *context, const ip_addr_t *address, const char *reason, uint32_t milliseconds);

/* Reads /etc/resolv.conf; where it names no server, those of PROBE_RESOLVER ("10.0.0.1,fd00::1") are asked. */
void resolver_start(void);
/* Calls with every name server as text. */
void resolver_each(void (*found)(void *context, const char *address), void *context);
/*
 * Looks a name up: an address as it is, /etc/hosts, then the name servers, IPv4 before IPv6. Calls done once, perhaps
 * before it returns, with NULL and a reason where there is no address.
 */
void resolver_look_up(const char *name, enum dns_family family, resolver_done done, void *context);

/* A stub resolver without a cache: every look-up asks a name server. */
#pragma once
#include "dns_message.h"

enum { DNS_SERVERS_MAX = 3, DNS_SEARCH_MAX = 6 };

/* As resolv.conf(5) has them. */
struct dns_settings {
	ip_addr_t servers[DNS_SERVERS_MAX];
	unsigned server_count;
	char *search[DNS_SEARCH_MAX];
	unsigned search_count, dots, seconds, attempts;
};

extern struct dns_settings dns_settings;

enum dns_outcome { DNS_FOUND, DNS_NXDOMAIN, DNS_NODATA, DNS_FORMERR, DNS_SERVFAIL, DNS_NOTIMP, DNS_REFUSED, DNS_OTHER, DNS_CUT, DNS_TIMEOUT,
		   DNS_NO_SERVER, DNS_NO_MEMORY, DNS_OUTCOMES };

/* Which addresses are wanted: the IPv6 ones count only where there is none of IPv4, or only those of one kind. */
enum dns_family { DNS_ANY, DNS_IPV4, DNS_IPV6 };

struct dns_result {
	enum dns_outcome outcome;
	uint32_t milliseconds;
	unsigned count;
	const ip_addr_t *addresses;
};

typedef void (*dns_done)(void *context, const struct dns_result *result);

/* Calls done once, perhaps before it returns. */
void dns_look_up(const char *name, enum dns_family family, dns_done done, void *context);
/* "NXDOMAIN" and so on. */
const char *dns_outcome_name(enum dns_outcome outcome);
/* The same, with what it means. */
const char *dns_outcome_text(enum dns_outcome outcome);

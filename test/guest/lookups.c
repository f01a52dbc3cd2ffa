/* Many look-ups at once: what a busy cluster asks of its name server. */
#include "lookups.h"

#include "dns.h"
#include "http_request.h"
#include "network_interface.h"
#include "text.h"

#include <lwip/timeouts.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT_MAX = 1000000, PARALLEL_MAX = 1000, SECONDS = 60 };

struct lookups {
	/* NULL once it has its answer; look-ups may still be under way then. */
	struct http_connection *connection;
	char name[DNS_NAME_ROOM];
	enum dns_family family;
	unsigned count, parallel, asked, under_way, answered, lost, slowest;
	unsigned outcomes[DNS_OUTCOMES];
	/* One ip_addr_t for each address that was seen. */
	struct text addresses;
	bool asking;
};

static void add_addresses(struct lookups *lookups, const struct dns_result *result)
{
	for (unsigned i = 0; i < result->count; i++) {
		const ip_addr_t *seen = (const ip_addr_t *)lookups->addresses.data;
		const ip_addr_t *end = seen + lookups->addresses.length / sizeof *seen;
		while (seen < end && !ip_addr_cmp(seen, &result->addresses[i]))
			seen++;
		if (seen == end)
			text_add_bytes(&lookups->addresses, &result->addresses[i], sizeof *seen);
	}
}

static void reply(struct lookups *lookups)
{
	struct text text = { NULL, 0, 0 };
	const ip_addr_t *addresses = (const ip_addr_t *)lookups->addresses.data;
	unsigned failed = 0;
	text_add(&text, "{\"asked\":%u,\"answered\":%u,\"addresses\":[", lookups->asked, lookups->answered);
	for (size_t i = 0; i < lookups->addresses.length / sizeof *addresses; i++) {
		char address[IPADDR_STRLEN_MAX];
		network_address_text(&addresses[i], address, sizeof address);
		text_add(&text, "%s\"%s\"", i ? "," : "", address);
	}
	text_add(&text, "],\"rcodes\":{");
	for (int i = 0; i < DNS_OUTCOMES; i++) {
		if (!lookups->outcomes[i])
			continue;
		text_add(&text, "%s\"%s\":%u", failed ? "," : "", dns_outcome_name((enum dns_outcome)i), lookups->outcomes[i]);
		failed += lookups->outcomes[i];
	}
	text_add(&text, "},\"failed\":%u,\"lost\":%u,\"slowest\":%u}\n", failed, lookups->lost, lookups->slowest);
	http_reply(lookups->connection, 200, "application/json", text.data, text.length);
	lookups->connection = NULL;
	text_free(&text);
}

static void too_late(void *context)
{
	struct lookups *lookups = context;
	lookups->lost += lookups->under_way;
	reply(lookups);
}

static void release(struct lookups *lookups)
{
	text_free(&lookups->addresses);
	free(lookups);
}

static void ask_more(struct lookups *lookups);

static void looked_up(void *context, const struct dns_result *result)
{
	struct lookups *lookups = context;
	lookups->under_way--;
	if (!lookups->connection) {
		if (!lookups->under_way)
			release(lookups);
		return;
	}
	if (result->outcome == DNS_FOUND) {
		lookups->answered++;
		add_addresses(lookups, result);
	} else if (result->outcome == DNS_TIMEOUT) {
		lookups->lost++;
	} else {
		lookups->outcomes[result->outcome]++;
	}
	if (result->milliseconds > lookups->slowest)
		lookups->slowest = result->milliseconds;
	/* Not from within itself: a thousand that fail at once would need a thousand frames. */
	if (!lookups->asking)
		ask_more(lookups);
}

/* The next name: "{}" in it stands for the number of the look-up, from 1. */
static void write_name(const struct lookups *lookups, char into[DNS_NAME_ROOM])
{
	const char *place = strstr(lookups->name, "{}");
	if (place)
		snprintf(into, DNS_NAME_ROOM, "%.*s%u%s", (int)(place - lookups->name), lookups->name, lookups->asked, place + 2);
	else
		snprintf(into, DNS_NAME_ROOM, "%s", lookups->name);
}

static void ask_more(struct lookups *lookups)
{
	lookups->asking = true;
	while (lookups->asked < lookups->count && lookups->under_way < lookups->parallel) {
		char name[DNS_NAME_ROOM];
		lookups->asked++;
		lookups->under_way++;
		write_name(lookups, name);
		dns_look_up(name, lookups->family, looked_up, lookups);
	}
	lookups->asking = false;
	if (lookups->under_way)
		return;
	sys_untimeout(too_late, lookups);
	reply(lookups);
	release(lookups);
}

static unsigned limited(uint64_t number, unsigned most)
{
	return number < 1 ? 1 : number > most ? most : (unsigned)number;
}

void lookups_page(struct http_connection *connection, const struct http_request *request)
{
	char name[DNS_NAME_ROOM], type[8];
	if (!http_parameter(request, "name", name, sizeof name)) {
		http_reply_text(connection, 400, "Say which name: /lookups?name=NAME&count=N&parallel=N&seconds=N\n");
		return;
	}
	struct lookups *lookups = calloc(1, sizeof *lookups);
	if (!lookups) {
		http_reply_text(connection, 500, "There is no memory.\n");
		return;
	}
	lookups->connection = connection;
	memcpy(lookups->name, name, sizeof name);
	bool wants_ipv6 = http_parameter(request, "type", type, sizeof type) && !strcmp(type, "AAAA");
	lookups->family = wants_ipv6 ? DNS_IPV6 : DNS_IPV4;
	lookups->count = limited(http_number(request, "count", 1), COUNT_MAX);
	lookups->parallel = limited(http_number(request, "parallel", 1), PARALLEL_MAX);
	sys_timeout(limited(http_number(request, "seconds", SECONDS), 3600) * 1000, too_late, lookups);
	ask_more(lookups);
}

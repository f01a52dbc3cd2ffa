#include "resolver.h"

#include "config.h"
#include "memory.h"
#include "mounts.h"
#include "network_interface.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_ROOM = 16 * 1024, DOTS_MAX = 15, SECONDS_MAX = 30, ATTEMPTS_MAX = 5 };

struct wanted {
	resolver_done done;
	void *context;
};

static char file[FILE_ROOM];

static void add_server(const char *text)
{
	if (dns_settings.server_count < DNS_SERVERS_MAX && ipaddr_aton(text, &dns_settings.servers[dns_settings.server_count]))
		dns_settings.server_count++;
}

static const char *read_file(const char *path)
{
	long length = mounts_read(path, 0, file, sizeof file - 1);
	if (length < 0)
		return NULL;
	file[length] = '\0';
	return file;
}

/* The next word of the line, ended in place, or NULL. */
static char *next_word(char **line)
{
	char *word = *line;
	while (*word == ' ' || *word == '\t')
		word++;
	if (!*word || *word == '#')
		return NULL;
	char *end = word;
	while (*end && !strchr(" \t\r", *end))
		end++;
	*line = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static char *next_line(char **rest)
{
	char *line = *rest;
	if (!*line)
		return NULL;
	char *end = strchr(line, '\n');
	*rest = end ? end + 1 : line + strlen(line);
	if (end)
		*end = '\0';
	return line;
}

static void read_search(char *line)
{
	char *word;
	dns_settings.search_count = 0;
	while (dns_settings.search_count < DNS_SEARCH_MAX && (word = next_word(&line))) {
		size_t length = strlen(word);
		if (length > 1 && word[length - 1] == '.')
			word[length - 1] = '\0';
		if (strcmp(word, "."))
			dns_settings.search[dns_settings.search_count++] = memory_copy_text(word);
	}
}

static void read_options(char *line)
{
	static const struct {
		const char *name;
		unsigned *value, least, most;
	} options[] = {
		{ "ndots:", &dns_settings.dots, 0, DOTS_MAX },
		{ "timeout:", &dns_settings.seconds, 1, SECONDS_MAX },
		{ "attempts:", &dns_settings.attempts, 1, ATTEMPTS_MAX },
	};
	char *word;
	while ((word = next_word(&line)))
		for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
			size_t length = strlen(options[i].name);
			if (strncmp(word, options[i].name, length))
				continue;
			unsigned value = (unsigned)atoi(word + length);
			*options[i].value = value < options[i].least ? options[i].least : value > options[i].most ? options[i].most : value;
		}
}

void resolver_start(void)
{
	char *rest = (char *)read_file("/etc/resolv.conf"), *line;
	const char *setting = config_environment("PROBE_RESOLVER");
	while (rest && (line = next_line(&rest))) {
		char *word = next_word(&line);
		if (!word)
			continue;
		if (!strcmp(word, "nameserver") && (word = next_word(&line)))
			add_server(word);
		else if (word && (!strcmp(word, "search") || !strcmp(word, "domain")))
			read_search(line);
		else if (word && !strcmp(word, "options"))
			read_options(line);
	}
	if (dns_settings.server_count)
		return;
	while (setting && *setting) {
		char address[64];
		const char *comma = strchr(setting, ',');
		size_t length = comma ? (size_t)(comma - setting) : strlen(setting);
		if (length >= sizeof address)
			break;
		memcpy(address, setting, length);
		address[length] = '\0';
		add_server(address);
		setting += length + (comma != NULL);
	}
}

void resolver_each(void (*found)(void *context, const char *address), void *context)
{
	for (unsigned i = 0; i < dns_settings.server_count; i++) {
		char address[IPADDR_STRLEN_MAX];
		network_address_text(&dns_settings.servers[i], address, sizeof address);
		found(context, address);
	}
}

static bool is_of(enum dns_family family, const ip_addr_t *address)
{
	return family == DNS_ANY || (family == DNS_IPV6) == IP_IS_V6(address);
}

static bool find_in_hosts(const char *name, enum dns_family family, ip_addr_t *address)
{
	char *rest = (char *)read_file("/etc/hosts"), *line;
	while (rest && (line = next_line(&rest))) {
		char *word = next_word(&line);
		if (!word || !ipaddr_aton(word, address) || !is_of(family, address))
			continue;
		while ((word = next_word(&line)))
			if (!strcmp(word, name))
				return true;
	}
	return false;
}

static void looked_up(void *context, const struct dns_result *result)
{
	struct wanted wanted = *(struct wanted *)context;
	free(context);
	if (result->outcome == DNS_FOUND)
		wanted.done(wanted.context, result->addresses, NULL, result->milliseconds);
	else
		wanted.done(wanted.context, NULL, dns_outcome_text(result->outcome), result->milliseconds);
}

void resolver_look_up(const char *name, enum dns_family family, resolver_done done, void *context)
{
	ip_addr_t address;
	if ((ipaddr_aton(name, &address) && is_of(family, &address)) || find_in_hosts(name, family, &address)) {
		done(context, &address, NULL, 0);
		return;
	}
	struct wanted *wanted = malloc(sizeof *wanted);
	if (!wanted) {
		done(context, NULL, "no memory", 0);
		return;
	}
	*wanted = (struct wanted){ done, context };
	dns_look_up(name, family, looked_up, wanted);
}

#include "resolver.h"

#include "config.h"
#include "mounts.h"
#include "network_interface.h"

#include <lwip/dns.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_ROOM = 16 * 1024 };

struct look_up {
	void (*done)(void *context, const ip_addr_t *address, const char *reason);
	void *context;
};

static u8_t server_count;
static char file[FILE_ROOM];

static void add_server(const char *text)
{
	ip_addr_t address;
	if (server_count < DNS_MAX_SERVERS && ipaddr_aton(text, &address))
		dns_setserver(server_count++, &address);
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

void resolver_start(void)
{
	char *rest = (char *)read_file("/etc/resolv.conf"), *line;
	const char *setting = config_environment("PROBE_RESOLVER");
	while (rest && (line = next_line(&rest))) {
		char *word = next_word(&line);
		if (word && !strcmp(word, "nameserver") && (word = next_word(&line)))
			add_server(word);
	}
	while (!server_count && setting && *setting) {
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
	for (u8_t i = 0; i < server_count; i++) {
		char address[IPADDR_STRLEN_MAX];
		network_address_text(dns_getserver(i), address, sizeof address);
		found(context, address);
	}
}

static bool find_in_hosts(const char *name, ip_addr_t *address)
{
	char *rest = (char *)read_file("/etc/hosts"), *line;
	while (rest && (line = next_line(&rest))) {
		char *word = next_word(&line);
		if (!word || !ipaddr_aton(word, address))
			continue;
		while ((word = next_word(&line)))
			if (!strcmp(word, name))
				return true;
	}
	return false;
}

static void found(const char *name, const ip_addr_t *address, void *context)
{
	(void)name;
	struct look_up *look_up = context;
	look_up->done(look_up->context, address, "no answer, or no such name");
	free(look_up);
}

void resolver_look_up(const char *name, void (*done)(void *context, const ip_addr_t *address, const char *reason), void *context)
{
	ip_addr_t address;
	if (ipaddr_aton(name, &address) || find_in_hosts(name, &address)) {
		done(context, &address, NULL);
		return;
	}
	if (!server_count) {
		done(context, NULL, "there is no name server");
		return;
	}
	struct look_up *look_up = malloc(sizeof *look_up);
	if (!look_up) {
		done(context, NULL, "no memory");
		return;
	}
	*look_up = (struct look_up){ done, context };
	err_t error = dns_gethostbyname_addrtype(name, &address, found, look_up, LWIP_DNS_ADDRTYPE_IPV4_IPV6);
	if (error == ERR_INPROGRESS)
		return;
	found(name, error == ERR_OK ? &address : NULL, look_up);
}

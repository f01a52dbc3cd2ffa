#include "config_devices.h"

#include "config_token.h"
#include "ending.h"
#include "mounts.h"
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct field {
	const char *name;
	const char *value;
};

/* Reads an object of strings into the fields; gives the number of tokens. */
static int read_fields(struct json_token *token, char *text, struct field *fields, const char *function)
{
	token_expect(token, text, JSON_OBJECT, function);
	int keys = token->size;
	for (int i = 0; i < keys; i++) {
		const struct json_token *key = token + 1 + 2 * i, *value = key + 1;
		token_expect(key, text, JSON_STRING, function);
		token_expect_size(key, text, 1, function);
		token_expect(value, text, JSON_STRING, function);
		token_expect_size(value, text, 0, function);
		struct field *field = fields;
		while (field->name && !token_is(key, text, field->name))
			field++;
		if (!field->name)
			fail_boot("unexpected key \"%.*s\" in \"%s\"", token_length(key), text + key->start, function);
		field->value = token_text(value, text);
	}
	return 2 * keys + 1;
}

static void configure_ipv4(const char *interface, const char *method, const struct network_address *address)
{
	if (!strcmp(method, "dhcp")) {
		int error = network_dhcp(interface);
		if (error)
			fail_boot("configuring dhcp for %s failed: %d", interface, error);
		return;
	}
	if (strcmp(method, "static"))
		fail_boot("method \"static\" or \"dhcp\" expected, got \"%s\"", method);
	if (!address->text || !address->prefix)
		fail_boot("static net cfg missing addr or mask");
	if (!network_add_ipv4(interface, address->text, atoi(address->prefix)))
		fail_boot("ifconfig \"%s\" for \"%s/%s\" failed", interface, address->text, address->prefix);
	if (address->gateway && !network_set_ipv4_gateway(address->gateway))
		fail_boot("gw \"%s\" addition failed", address->gateway);
}

static void configure_ipv6(const char *interface, const char *method, const struct network_address *address)
{
	if (!strcmp(method, "auto")) {
		if (!network_autoconfigure(interface))
			fail_boot("ipv6 autoconfig failed");
		return;
	}
	if (strcmp(method, "static"))
		fail_boot("method \"static\" or \"dhcp\" expected, got \"%s\"", method);
	if (!address->text || !address->prefix)
		fail_boot("static net cfg missing addr or mask");
	if (!network_add_ipv6(interface, address->text, atoi(address->prefix)))
		fail_boot("ifconfig \"%s\" for \"%s/%s\" failed", interface, address->text, address->prefix);
	if (address->gateway && !network_set_ipv6_gateway(address->gateway))
		fail_boot("gw \"%s\" addition failed", address->gateway);
}

int config_handle_net(struct json_token *token, char *text)
{
	struct field fields[] = {
		{ "if", NULL }, { "cloner", NULL }, { "type", NULL }, { "method", NULL },
		{ "addr", NULL }, { "mask", NULL }, { "gw", NULL }, { NULL, NULL },
	};
	int tokens = read_fields(token, text, fields, "handle_net");
	const char *interface = fields[0].value, *type = fields[2].value, *method = fields[3].value;
	if (!interface || !type || !method)
		fail_boot("net cfg missing vital data, not configuring");
	/* The only network cards are the machine's own: none can be made. */
	if (fields[1].value)
		fail_boot("rumprun_config: ifcreate %s failed: %d", interface, 22);
	struct network_address address = { fields[4].value, fields[5].value, fields[6].value };
	if (!strcmp(type, "inet"))
		configure_ipv4(interface, method, &address);
	else if (!strcmp(type, "inet6"))
		configure_ipv6(interface, method, &address);
	else
		fail_boot("network type \"%s\" not supported", type);
	return tokens;
}

int config_handle_blk(struct json_token *token, char *text)
{
	struct field fields[] = {
		{ "source", NULL }, { "path", NULL }, { "fstype", NULL }, { "mountpoint", NULL }, { NULL, NULL },
	};
	int tokens = read_fields(token, text, fields, "handle_blk");
	const char *source = fields[0].value, *path = fields[1].value, *type = fields[2].value, *where = fields[3].value;
	if (!source || !path)
		fail_boot("blk cfg missing vital data");
	if (!strcmp(source, "etfs"))
		fail_boot("etfs register for \"%s\" failed: %d", path, 2);
	if (!strcmp(source, "vnd"))
		fail_boot("vndset failed: the probe guest has no vnd");
	if (strcmp(source, "dev"))
		fail_boot("unsupported blk source \"%s\"", source);
	if (!where)
		return tokens;
	if (!type)
		fail_boot("no fstype for mountpoint \"%s\"\n", where);
	if (!strcmp(type, "kernfs"))
		return tokens;
	if (strcmp(type, "blk"))
		fail_boot("unknown fstype \"%s\"", type);
	if (!mounts_mount(path, where))
		fail_boot("failed to mount fs type \"%s\" from \"%s\" to \"%s\"", type, path, where);
	return tokens;
}

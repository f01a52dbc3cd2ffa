#include "http_config.h"

#include "config.h"
#include "http.h"
#include "memory.h"
#include "mounts.h"
#include "network.h"
#include "resolver.h"
#include "virtio_blk.h"
#include "virtio_net.h"

#include <string.h>

/* A comma, unless a bracket was just opened. */
static void separate(struct text *text)
{
	if (!strchr("[{", text->data[text->length - 1]))
		text_add(text, ",");
}

static void add_element(void *context, const char *string)
{
	separate(context);
	text_add_json(context, string);
}

static void open_list(struct text *text, const char *name)
{
	separate(text);
	text_add_json(text, name);
	text_add(text, ":[");
}

static void add_nics(struct text *text)
{
	open_list(text, "nics");
	for (unsigned i = 0; i < virtio_net_count(); i++) {
		const struct nic *nic = virtio_net_get(i);
		const uint8_t *mac = nic->mac;
		separate(text);
		text_add(text, "{\"name\":\"vioif%u\",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"mtu\":%u", i, mac[0], mac[1], mac[2],
			 mac[3], mac[4], mac[5], nic->mtu);
		open_list(text, "addresses");
		network_each_address(nic, add_element, text);
		text_add(text, "]}");
	}
	text_add(text, "]");
}

static void add_gateways(struct text *text)
{
	char address[64];
	open_list(text, "gateways");
	if (network_gateway(4, address, sizeof address))
		add_element(text, address);
	if (network_gateway(6, address, sizeof address))
		add_element(text, address);
	text_add(text, "]");
}

struct mount_of_disk {
	const struct disk *disk;
	const char *type, *where;
};

static void look_for_disk(void *context, const struct disk *disk, const char *type, const char *where)
{
	struct mount_of_disk *wanted = context;
	if (disk != wanted->disk)
		return;
	wanted->type = type;
	wanted->where = where;
}

static void add_or_null(struct text *text, const char *string)
{
	if (string)
		text_add_json(text, string);
	else
		text_add(text, "null");
}

static void add_disks(struct text *text)
{
	open_list(text, "disks");
	for (unsigned i = 0; i < virtio_blk_count(); i++) {
		const struct disk *disk = virtio_blk_get(i);
		struct mount_of_disk mount = { disk, NULL, NULL };
		mounts_each(look_for_disk, &mount);
		separate(text);
		text_add(text, "{\"dev\":\"%s\",\"bytes\":%lu,\"readonly\":%s,\"fstype\":", disk->name, disk->bytes,
			 disk->read_only ? "true" : "false");
		add_or_null(text, mount.type);
		text_add(text, ",\"mountpoint\":");
		add_or_null(text, mount.where);
		text_add(text, "}");
	}
	text_add(text, "]");
}

void http_config_write(struct text *text)
{
	text_add(text, "{");
	open_list(text, "argv");
	for (int i = 0; i < http_server.argc; i++)
		add_element(text, http_server.argv[i]);
	text_add(text, "]");
	open_list(text, "env");
	for (char **setting = config.environment; *setting; setting++)
		add_element(text, *setting);
	text_add(text, "],\"hostname\":");
	text_add_json(text, config.hostname);
	text_add(text, ",\"memory\":%lu", memory_size());
	add_nics(text);
	add_gateways(text);
	open_list(text, "resolver");
	resolver_each(add_element, text);
	text_add(text, "]");
	add_disks(text);
	text_add(text, "}\n");
}

#include "http_pages.h"

#include "clock.h"
#include "config.h"
#include "console.h"
#include "http_changes.h"
#include "http_config.h"
#include "http_connection.h"
#include "http_facts.h"
#include "http_fetch.h"
#include "http_files.h"
#include "http_request.h"
#include "http_static.h"
#include "http_stream.h"
#include "lookups.h"
#include "network_interface.h"
#include "proxy.h"
#include "resolver.h"
#include "via.h"

#include <lwip/priv/tcp_priv.h>

#include <stdio.h>
#include <string.h>

enum { NAME_ROOM = 256 };

static void page_home(struct http_connection *connection, const struct http_request *request)
{
	uint64_t seconds = clock_nanoseconds() / 1000000000, milliseconds = clock_nanoseconds() / 1000000 % 1000;
	(void)request;
	http_reply_text(connection, 200,
			"This is the unikrun probe guest, a unikernel that speaks the rumprun contract (it is not a rump kernel).\n"
			"hostname: %s\nuptime: %lu.%03lu s\nrequests: %u\n",
			config.hostname, seconds, milliseconds, http_server.requests);
}

static void page_config(struct http_connection *connection, const struct http_request *request)
{
	(void)request;
	struct text text = { NULL, 0, 0 };
	http_config_write(&text);
	http_reply(connection, 200, "application/json", text.data, text.length);
	text_free(&text);
}

static void page_told(struct http_connection *connection, const struct http_request *request)
{
	(void)request;
	http_reply_text(connection, 200, "{\"clock\":%lu,\"entropy\":%u}\n", proxy_told.clock, proxy_told.entropy);
}

static void looked_up(void *context, const ip_addr_t *address, const char *reason, uint32_t milliseconds)
{
	char text[IPADDR_STRLEN_MAX];
	http_add_field(context, "X-Milliseconds", milliseconds);
	if (!address) {
		http_reply_text(context, 502, "The name could not be looked up: %s.\n", reason);
		return;
	}
	network_address_text(address, text, sizeof text);
	http_reply_text(context, 200, "%s\n", text);
}

static void page_dns(struct http_connection *connection, const struct http_request *request)
{
	char name[NAME_ROOM], type[8];
	enum dns_family family = DNS_ANY;
	if (http_parameter(request, "type", type, sizeof type))
		family = strcmp(type, "AAAA") ? DNS_IPV4 : DNS_IPV6;
	if (!http_parameter(request, "name", name, sizeof name))
		http_reply_text(connection, 400, "Say which name: /dns?name=NAME\n");
	else
		resolver_look_up(name, family, looked_up, connection);
}

static void page_exit(struct http_connection *connection, const struct http_request *request)
{
	int code = (int)http_number(request, "code", 0);
	http_end(connection, HTTP_EXIT, code);
	http_reply_text(connection, 200, "The program exits with %d.\n", code);
}

static void page_return(struct http_connection *connection, const struct http_request *request)
{
	int code = (int)http_number(request, "code", 0);
	http_end(connection, HTTP_RETURN, code);
	http_reply_text(connection, 200, "main() returns %d.\n", code);
}

static void page_panic(struct http_connection *connection, const struct http_request *request)
{
	(void)request;
	http_end(connection, HTTP_PANIC, 0);
	http_reply_text(connection, 200, "The kernel panics.\n");
}

static void page_trap(struct http_connection *connection, const struct http_request *request)
{
	(void)request;
	http_end(connection, HTTP_TRAP, 0);
	http_reply_text(connection, 200, "The CPU faults.\n");
}

static void page_print(struct http_connection *connection, const struct http_request *request)
{
	uint64_t lines = http_number(request, "lines", 1);
	char text[NAME_ROOM];
	bool has_text = http_parameter(request, "text", text, sizeof text);
	for (uint64_t i = 1; i <= lines; i++)
		if (has_text)
			printf("%s\n", text);
		else
			printf("line %lu\n", i);
	http_reply_text(connection, 200, "printed %lu lines\n", lines);
}

static void page_console(struct http_connection *connection, const struct http_request *request)
{
	(void)request;
	http_reply_text(connection, 200, "%s\n", console_last_line());
}

static void page_bytes(struct http_connection *connection, const struct http_request *request)
{
	http_reply_pattern(connection, http_number(request, "n", 1024));
}

/* As servers do that take no notice of what a request says of the connection. */
static void page_keep(struct http_connection *connection, const struct http_request *request)
{
	(void)request;
	connection->parsed.keep_alive = true;
	http_reply_text(connection, 200, "kept\n");
}

static void page_connections(struct http_connection *connection, const struct http_request *request)
{
	(void)request;
	unsigned count = 0;
	for (const struct tcp_pcb *each = tcp_active_pcbs; each; each = each->next)
		count++;
	http_reply_text(connection, 200, "%u\n", count);
}

typedef void (*page)(struct http_connection *connection, const struct http_request *request);

static const struct {
	const char *path;
	/* For GET and HEAD, for PUT and POST, and for DELETE. */
	page get, put, delete;
} pages[] = {
	{ "/", .get = page_home },
	{ "/config", .get = page_config },
	{ "/told", .get = page_told },
	{ "/dns", .get = page_dns },
	{ "/lookups", .get = lookups_page },
	{ "/fcgi", .get = via_fastcgi_page },
	{ "/via", .get = via_page },
	{ "/connect", .get = http_connect_page },
	{ "/greeting", .get = http_greeting_page },
	{ "/file", .get = http_read_file, .put = http_write_file, .delete = http_delete_file },
	{ "/folder", .put = http_make_folder },
	{ "/rename", .put = http_rename },
	{ "/link", .put = http_make_link },
	{ "/truncate", .put = http_truncate },
	{ "/mode", .put = http_set_mode },
	{ "/stat", .get = http_stat },
	{ "/sum", .get = http_sum },
	{ "/list", .get = http_list_folder },
	{ "/disk", .get = http_read_disk, .put = http_write_disk },
	{ "/exit", .get = page_exit },
	{ "/return", .get = page_return },
	{ "/panic", .get = page_panic },
	{ "/trap", .get = page_trap },
	{ "/print", .get = page_print },
	{ "/console", .get = page_console },
	{ "/bytes", .get = page_bytes },
	{ "/keep", .get = page_keep },
	{ "/connections", .get = page_connections },
};

void http_answer(struct http_connection *connection, const struct http_request *request)
{
	bool reads = !strcmp(request->method, "GET") || !strcmp(request->method, "HEAD");
	bool writes = !strcmp(request->method, "PUT") || !strcmp(request->method, "POST");
	if (reads && !strncmp(request->path, HTTP_STATIC_PREFIX, strlen(HTTP_STATIC_PREFIX))) {
		http_static(connection, request);
		return;
	}
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		if (strcmp(pages[i].path, request->path))
			continue;
		if (reads && pages[i].get)
			pages[i].get(connection, request);
		else if (writes && pages[i].put)
			pages[i].put(connection, request);
		else if (!strcmp(request->method, "DELETE") && pages[i].delete)
			pages[i].delete(connection, request);
		else
			http_reply_text(connection, 405, "%s cannot be had by %s.\n", request->path, request->method);
		return;
	}
	http_reply_text(connection, 404, "There is no page %s.\n", request->path);
}

#include "http_pages.h"

#include "clock.h"
#include "config.h"
#include "console.h"
#include "http_config.h"
#include "http_fetch.h"
#include "http_files.h"
#include "http_request.h"
#include "network_interface.h"
#include "resolver.h"

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

static void looked_up(void *context, const ip_addr_t *address, const char *reason)
{
	char text[IPADDR_STRLEN_MAX];
	if (!address) {
		http_reply_text(context, 502, "The name could not be looked up: %s.\n", reason);
		return;
	}
	network_address_text(address, text, sizeof text);
	http_reply_text(context, 200, "%s\n", text);
}

static void page_dns(struct http_connection *connection, const struct http_request *request)
{
	char name[NAME_ROOM];
	if (!http_parameter(request, "name", name, sizeof name))
		http_reply_text(connection, 400, "Say which name: /dns?name=NAME\n");
	else
		resolver_look_up(name, looked_up, connection);
}

static void page_connect(struct http_connection *connection, const struct http_request *request)
{
	char host[NAME_ROOM], path[NAME_ROOM];
	uint64_t port = http_number(request, "port", 80);
	if (!http_parameter(request, "host", host, sizeof host) || !port || port > 65535) {
		http_reply_text(connection, 400, "Say where to: /connect?host=ADDRESS-OR-NAME&port=PORT&path=/PATH\n");
		return;
	}
	if (!http_parameter(request, "path", path, sizeof path))
		snprintf(path, sizeof path, "/");
	http_fetch(connection, host, (uint16_t)port, path);
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

static const struct {
	const char *path;
	/* Both for GET and HEAD, or both for PUT and POST. */
	void (*get)(struct http_connection *connection, const struct http_request *request);
	void (*put)(struct http_connection *connection, const struct http_request *request);
} pages[] = {
	{ "/", page_home, NULL },
	{ "/config", page_config, NULL },
	{ "/dns", page_dns, NULL },
	{ "/connect", page_connect, NULL },
	{ "/file", http_read_file, http_write_file },
	{ "/folder", NULL, http_make_folder },
	{ "/list", http_list_folder, NULL },
	{ "/disk", http_read_disk, http_write_disk },
	{ "/exit", page_exit, NULL },
	{ "/return", page_return, NULL },
	{ "/panic", page_panic, NULL },
	{ "/trap", page_trap, NULL },
	{ "/print", page_print, NULL },
	{ "/console", page_console, NULL },
	{ "/bytes", page_bytes, NULL },
};

void http_answer(struct http_connection *connection, const struct http_request *request)
{
	bool reads = !strcmp(request->method, "GET") || !strcmp(request->method, "HEAD");
	bool writes = !strcmp(request->method, "PUT") || !strcmp(request->method, "POST");
	for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
		if (strcmp(pages[i].path, request->path))
			continue;
		if (reads && pages[i].get)
			pages[i].get(connection, request);
		else if (writes && pages[i].put)
			pages[i].put(connection, request);
		else
			http_reply_text(connection, 405, "%s cannot be had by %s.\n", request->path, request->method);
		return;
	}
	http_reply_text(connection, 404, "There is no page %s.\n", request->path);
}

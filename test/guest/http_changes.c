#include "http_changes.h"

#include "http_files.h"
#include "http_request.h"
#include "mounts.h"

#include <string.h>

static void change(struct http_connection *connection, const struct http_request *request, const char *path, struct file_change change)
{
	int error = mounts_change(path, &change);
	if (!error && http_number(request, "sync", 0))
		error = mounts_sync(path);
	if (error)
		http_reply_file_error(connection, path, error);
	else
		http_reply_text(connection, 200, "changed %s\n", path);
}

void http_delete_file(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM];
	if (http_get_path(connection, request, "path", path))
		change(connection, request, path, (struct file_change){ .kind = FILE_DELETE });
}

void http_rename(struct http_connection *connection, const struct http_request *request)
{
	char from[HTTP_PATH_ROOM], to[HTTP_PATH_ROOM];
	if (http_get_path(connection, request, "from", from) && http_get_path(connection, request, "to", to))
		change(connection, request, from, (struct file_change){ .kind = FILE_RENAME, .text = to });
}

void http_make_link(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM], target[HTTP_PATH_ROOM];
	if (http_get_path(connection, request, "path", path) && http_get_path(connection, request, "target", target))
		change(connection, request, path, (struct file_change){ .kind = FILE_MAKE_LINK, .text = target });
}

void http_truncate(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM];
	if (http_get_path(connection, request, "path", path))
		change(connection, request, path, (struct file_change){ .kind = FILE_TRUNCATE, .number = http_number(request, "size", 0) });
}

/* Gives a mode, or -1. */
static int read_octal(const char *text)
{
	int value = 0;
	if (!*text)
		return -1;
	for (; *text >= '0' && *text <= '7' && value <= FILE_MODE_BITS; text++)
		value = value * 8 + *text - '0';
	return *text || value > FILE_MODE_BITS ? -1 : value;
}

void http_set_mode(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM], text[8] = "";
	if (!http_get_path(connection, request, "path", path))
		return;
	int mode = http_parameter(request, "mode", text, sizeof text) ? read_octal(text) : -1;
	if (mode < 0)
		http_reply_text(connection, 400, "Say which mode, in octal digits: mode=0640\n");
	else
		change(connection, request, path, (struct file_change){ .kind = FILE_SET_MODE, .number = (uint64_t)mode });
}

#include "http_static.h"

#include "config.h"
#include "http_files.h"
#include "http_request.h"
#include "http_stream.h"
#include "mounts.h"

#include <stdio.h>
#include <string.h>

static const char *type_of(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
		{ ".html", "text/html; charset=utf-8" }, { ".css", "text/css" },   { ".js", "text/javascript" }, { ".json", "application/json" },
		{ ".txt", "text/plain; charset=utf-8" }, { ".png", "image/png" }, { ".svg", "image/svg+xml" },
	};
	const char *suffix = strrchr(path, '.');
	for (size_t i = 0; suffix && i < sizeof types / sizeof *types; i++)
		if (!strcmp(suffix, types[i].suffix))
			return types[i].type;
	return "application/octet-stream";
}

/* Nothing outside of the folder is to be had. */
static bool climbs(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")); at += 2)
		if ((at == path || at[-1] == '/') && (!at[2] || at[2] == '/'))
			return true;
	return false;
}

void http_static(struct http_connection *connection, const struct http_request *request)
{
	char wanted[HTTP_PATH_ROOM], path[HTTP_PATH_ROOM];
	struct file_facts facts;
	const char *root = config_environment("PROBE_ROOT") ?: "/data";
	if (!http_decode(request->path + strlen(HTTP_STATIC_PREFIX), "", wanted, sizeof wanted) || climbs(wanted) ||
	    snprintf(path, sizeof path, "%s/%s", root, wanted) >= (int)sizeof path) {
		http_reply_text(connection, 400, "This path cannot be served.\n");
		return;
	}
	int error = mounts_stat(path, &facts);
	if (error)
		http_reply_text(connection, error == FILE_MISSING || error == FILE_NOT_FOLDER ? 404 : 500, "%s: %s\n", wanted, mounts_error(error));
	else if (facts.kind != FILE_PLAIN)
		http_reply_text(connection, 403, "%s is not a file.\n", wanted);
	else
		http_reply_file(connection, type_of(path), path, facts.size);
}

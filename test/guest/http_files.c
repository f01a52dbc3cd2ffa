#include "http_files.h"

#include "http_request.h"
#include "mounts.h"
#include "text.h"
#include "virtio_blk.h"

#include <stdlib.h>

enum { READ_LIMIT = 4 << 20 };

#define BYTES "application/octet-stream"

bool http_get_path(struct http_connection *connection, const struct http_request *request, const char *name, char path[HTTP_PATH_ROOM])
{
	if (http_parameter(request, name, path, HTTP_PATH_ROOM))
		return true;
	http_reply_text(connection, 400, "Say which %s: %s?%s=/PATH\n", name, request->path, name);
	return false;
}

void http_reply_file_error(struct http_connection *connection, const char *path, int error)
{
	int status = error == FILE_MISSING ? 404 : error == FILE_READ_ONLY ? 403 : 500;
	http_reply_text(connection, status, "%s: %s\n", path, mounts_error(error));
}

void http_read_file(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM];
	struct file_facts facts;
	uint64_t offset = http_number(request, "offset", 0), length = http_number(request, "length", UINT64_MAX);
	if (!http_get_path(connection, request, "path", path))
		return;
	int error = mounts_stat(path, &facts);
	if (error) {
		http_reply_file_error(connection, path, error);
		return;
	}
	uint64_t left = offset < facts.size ? facts.size - offset : 0;
	length = length < left ? length : left;
	char *data = length <= READ_LIMIT ? malloc(length + 1) : NULL;
	if (!data) {
		http_reply_text(connection, 500, "%s: read it in parts, by offset and length.\n", path);
		return;
	}
	long got = mounts_read(path, offset, data, length);
	if (got < 0)
		http_reply_file_error(connection, path, (int)got);
	else
		http_reply(connection, 200, BYTES, data, (size_t)got);
	free(data);
}

void http_write_file(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM];
	if (!http_get_path(connection, request, "path", path))
		return;
	int error = mounts_write(path, http_number(request, "append", 0) ? FILE_APPEND : FILE_REPLACE, request->body, request->body_length);
	if (!error && http_number(request, "sync", 0))
		error = mounts_sync(path);
	if (error)
		http_reply_file_error(connection, path, error);
	else
		http_reply_text(connection, 200, "wrote %zu bytes to %s\n", request->body_length, path);
}

void http_make_folder(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM];
	if (!http_get_path(connection, request, "path", path))
		return;
	int error = mounts_make_folder(path);
	if (!error && http_number(request, "sync", 0))
		error = mounts_sync(path);
	if (error)
		http_reply_file_error(connection, path, error);
	else
		http_reply_text(connection, 200, "made %s\n", path);
}

static void add_entry(void *context, const char *name, enum file_kind kind, uint64_t size)
{
	static const char letters[] = { [FILE_PLAIN] = '-', [FILE_FOLDER] = 'd', [FILE_LINK] = 'l', [FILE_OTHER] = '?' };
	text_add(context, "%c %lu %s\n", letters[kind], size, name);
}

void http_list_folder(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM];
	struct text text = { NULL, 0, 0 };
	if (!http_get_path(connection, request, "path", path))
		return;
	int error = mounts_list(path, add_entry, &text);
	if (error)
		http_reply_file_error(connection, path, error);
	else
		http_reply(connection, 200, "text/plain; charset=utf-8", text.data, text.length);
	text_free(&text);
}

/* Finds the disk that `dev` names; answers where there is none. */
static struct disk *get_disk(struct http_connection *connection, const struct http_request *request)
{
	char name[64];
	bool named = http_parameter(request, "dev", name, sizeof name);
	struct disk *disk = named ? virtio_blk_find(name) : NULL;
	if (!disk)
		http_reply_text(connection, 404, "There is no disk \"%s\": /disk?dev=ld0&offset=N&length=N\n", named ? name : "");
	return disk;
}

void http_read_disk(struct http_connection *connection, const struct http_request *request)
{
	struct disk *disk = get_disk(connection, request);
	uint64_t offset = http_number(request, "offset", 0), length = http_number(request, "length", 512);
	if (!disk)
		return;
	char *data = length <= READ_LIMIT ? malloc(length + 1) : NULL;
	if (data && virtio_blk_read(disk, offset, data, length))
		http_reply(connection, 200, BYTES, data, length);
	else
		http_reply_text(connection, 500, "%s: cannot read %lu bytes at %lu of its %lu.\n", disk->name, length, offset, disk->bytes);
	free(data);
}

void http_write_disk(struct http_connection *connection, const struct http_request *request)
{
	struct disk *disk = get_disk(connection, request);
	uint64_t offset = http_number(request, "offset", 0);
	if (!disk)
		return;
	if (virtio_blk_write(disk, offset, request->body, request->body_length))
		http_reply_text(connection, 200, "wrote %zu bytes to %s\n", request->body_length, disk->name);
	else
		http_reply_text(connection, 500, "%s: cannot write %zu bytes at %lu of its %lu%s.\n", disk->name, request->body_length,
				offset, disk->bytes, disk->read_only ? ", it is read-only" : "");
}

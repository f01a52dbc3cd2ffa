#include "http_facts.h"

#include "http_files.h"
#include "mounts.h"
#include "text.h"

#include <lwip/timeouts.h>

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024, CHUNKS_AT_ONCE = 16 };

#define CRC32_REVERSED 0xedb88320u

void http_stat(struct http_connection *connection, const struct http_request *request)
{
	static const char *const kinds[] = { [FILE_PLAIN] = "file", [FILE_FOLDER] = "folder", [FILE_LINK] = "link", [FILE_OTHER] = "other" };
	char path[HTTP_PATH_ROOM], target[HTTP_PATH_ROOM];
	struct file_facts facts;
	struct text text = { NULL, 0, 0 };
	if (!http_get_path(connection, request, "path", path))
		return;
	int error = mounts_stat(path, &facts);
	if (error) {
		http_reply_file_error(connection, path, error);
		return;
	}
	text_add(&text, "{\"kind\":\"%s\",\"mode\":\"%u%u%u%u\",\"uid\":%u,\"gid\":%u,\"size\":%lu,\"mtime\":%u,\"target\":", kinds[facts.kind],
		 facts.mode >> 9 & 7, facts.mode >> 6 & 7, facts.mode >> 3 & 7, facts.mode & 7, facts.uid, facts.gid, facts.size, facts.modified);
	if (facts.kind == FILE_LINK && !mounts_read_link(path, target, sizeof target))
		text_add_json(&text, target);
	else
		text_add(&text, "null");
	text_add(&text, "}\n");
	http_reply(connection, 200, "application/json", text.data, text.length);
	text_free(&text);
}

struct sum {
	struct http_connection *connection;
	char path[HTTP_PATH_ROOM];
	uint64_t offset;
	uint32_t crc;
	uint8_t chunk[CHUNK];
};

/* The CRC-32 of zlib, PNG and gzip. */
static uint32_t add_to_crc(uint32_t crc, const uint8_t *bytes, size_t length)
{
	static uint32_t table[256];
	for (uint32_t i = 0; !table[255] && i < 256; i++) {
		uint32_t value = i;
		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? CRC32_REVERSED : 0);
		table[i] = value;
	}
	while (length--)
		crc = table[(crc ^ *bytes++) & 0xff] ^ crc >> 8;
	return crc;
}

/* In steps, so that other connections are served in between. */
static void step(void *context)
{
	struct sum *sum = context;
	for (int i = 0; i < CHUNKS_AT_ONCE; i++) {
		long got = mounts_read(sum->path, sum->offset, sum->chunk, CHUNK);
		if (got > 0) {
			sum->crc = add_to_crc(sum->crc, sum->chunk, (size_t)got);
			sum->offset += (uint64_t)got;
			continue;
		}
		if (got < 0)
			http_reply_file_error(sum->connection, sum->path, (int)got);
		else
			http_reply_text(sum->connection, 200, "%08x %lu\n", ~sum->crc, sum->offset);
		free(sum);
		return;
	}
	sys_timeout(1, step, sum);
}

void http_sum(struct http_connection *connection, const struct http_request *request)
{
	char path[HTTP_PATH_ROOM];
	if (!http_get_path(connection, request, "path", path))
		return;
	struct sum *sum = malloc(sizeof *sum);
	if (!sum) {
		http_reply_text(connection, 500, "There is no memory.\n");
		return;
	}
	sum->connection = connection;
	memcpy(sum->path, path, sizeof path);
	sum->offset = 0;
	sum->crc = UINT32_MAX;
	step(sum);
}

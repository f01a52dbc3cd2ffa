#include "http_stream.h"

#include "http_connection.h"
#include "mounts.h"

#include <lwip/tcp.h>

#include <stdlib.h>
#include <string.h>

enum { PATTERN = 251 };

static bool fill(struct http_stream *stream)
{
	uint64_t left = stream->length - stream->sent;
	if (!stream->chunk)
		stream->chunk = malloc(left < HTTP_STREAM_CHUNK ? left : HTTP_STREAM_CHUNK);
	stream->chunk_at = 0;
	stream->chunk_length = left < HTTP_STREAM_CHUNK ? (size_t)left : HTTP_STREAM_CHUNK;
	return stream->chunk && stream->read(stream->context, stream->sent, stream->chunk, stream->chunk_length);
}

bool http_stream_push(struct http_connection *connection, bool *broken)
{
	struct http_stream *stream = &connection->stream;
	*broken = false;
	while (stream->sent < stream->length) {
		size_t room = tcp_sndbuf(connection->tcp);
		if (!room)
			return false;
		if (stream->chunk_at == stream->chunk_length && !fill(stream)) {
			*broken = true;
			return false;
		}
		size_t part = stream->chunk_length - stream->chunk_at;
		part = part < room ? part : room;
		part = part < TCP_SND_BUF / 2 ? part : TCP_SND_BUF / 2;
		if (!http_queue(connection, stream->chunk + stream->chunk_at, part))
			return false;
		stream->chunk_at += part;
		stream->sent += part;
	}
	return true;
}

void http_stream_end(struct http_stream *stream)
{
	free(stream->context);
	free(stream->chunk);
	*stream = (struct http_stream){ .read = NULL };
}

static bool make_pattern(void *context, uint64_t offset, void *into, size_t length)
{
	(void)context;
	uint8_t value = (uint8_t)(offset % PATTERN), *at = into;
	while (length--) {
		*at++ = value;
		value = value == PATTERN - 1 ? 0 : value + 1;
	}
	return true;
}

void http_reply_pattern(struct http_connection *connection, uint64_t length)
{
	http_reply_stream(connection, "application/octet-stream", (struct http_stream){ .read = make_pattern, .length = length });
}

static bool read_file(void *path, uint64_t offset, void *into, size_t length)
{
	return mounts_read(path, offset, into, length) == (long)length;
}

void http_reply_file(struct http_connection *connection, const char *type, const char *path, uint64_t length)
{
	size_t room = strlen(path) + 1;
	char *copy = malloc(room);
	if (!copy) {
		http_reply_text(connection, 500, "There is no memory.\n");
		return;
	}
	memcpy(copy, path, room);
	http_reply_stream(connection, type, (struct http_stream){ .read = read_file, .context = copy, .length = length });
}

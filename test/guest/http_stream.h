/* Answers too long for memory: their bytes are made when there is room to send them. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_connection;

enum { HTTP_STREAM_CHUNK = 64 * 1024 };

/* Makes that many bytes of the answer from that place on; false ends the connection. */
typedef bool (*http_stream_read)(void *context, uint64_t offset, void *into, size_t length);

struct http_stream {
	http_stream_read read;
	/* Given to free() at the end. */
	void *context;
	uint64_t length, sent;
	/* Of the bytes from `sent` on. */
	char *chunk;
	size_t chunk_at, chunk_length;
};

/* That many bytes: byte i is i % 251. */
void http_reply_pattern(struct http_connection *connection, uint64_t length);
/* A file that is there, with the length it has now. */
void http_reply_file(struct http_connection *connection, const char *type, const char *path, uint64_t length);

/* True when all was handed to TCP; sets `broken` where there is no more to come. */
bool http_stream_push(struct http_connection *connection, bool *broken);
void http_stream_end(struct http_stream *stream);

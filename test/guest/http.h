#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Serves until a request ends it; gives the program's exit code. */
int http_serve(int port, int argc, char **argv);

struct http_connection;

struct http_request {
	const char *method, *path, *query;
	const char *body;
	size_t body_length;
};

/* What is to happen to the program once the answer that is being given has arrived. */
enum http_ending { HTTP_GO_ON, HTTP_RETURN, HTTP_EXIT, HTTP_PANIC, HTTP_TRAP };

/* What the pages know about the server. */
struct http_server {
	int port, argc;
	char **argv;
	unsigned requests;
};

extern struct http_server http_server;

/* Each request is answered once, by one of these, at once or later. */
void http_reply(struct http_connection *connection, int status, const char *type, const void *body, size_t length);
void http_reply_text(struct http_connection *connection, int status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* These two are to be called before the answer; the first adds a field to its header. */
void http_add_field(struct http_connection *connection, const char *name, uint64_t value);
void http_end(struct http_connection *connection, enum http_ending ending, int code);

/* One connection of the web server, and how answers leave by it. */
#pragma once
#include "http.h"
#include "http_request.h"
#include "http_stream.h"
#include "text.h"

struct tcp_pcb;

struct http_connection {
	/* NULL once the peer is gone; the rest stays while a page still works on its answer. */
	struct tcp_pcb *tcp;
	char *input;
	size_t input_length, input_room;
	struct http_parsed parsed;
	/* A request was handed to its page and is not yet answered to the end. */
	bool busy, answered, told_to_continue;
	/* Fields of the answer's header besides the usual ones. */
	struct text fields;
	struct text output;
	size_t output_sent;
	/* Goes out behind the output. */
	struct http_stream stream;
	uint64_t unacknowledged;
};

struct http_pending_end {
	enum http_ending kind;
	int code;
	/* The connection whose answer is to arrive first; NULL once it has. */
	struct http_connection *after;
	uint64_t deadline;
};

extern struct http_pending_end http_ending;

/* After each of these but http_queue, the connection may be gone. */

/* The peer is gone. A page that still works on an answer releases the rest by giving it. */
void http_lose(struct http_connection *connection);
void http_hang_up(struct http_connection *connection);
/* Queues what TCP has room for; once all is queued, goes on to the next request or closes. */
void http_push(struct http_connection *connection);
void http_reply_stream(struct http_connection *connection, const char *type, struct http_stream stream);
/* Looks whether a whole request is there, and has it answered. */
void http_serve_input(struct http_connection *connection);
/* Hands bytes to TCP; false where it has no room. */
bool http_queue(struct http_connection *connection, const void *bytes, size_t length);

#include "http_connection.h"

#include "clock.h"

#include <lwip/tcp.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATTERN_CHUNK = 4096, PATTERN = 251, END_WITHIN = 500000000 };

struct http_pending_end http_ending;

static void release(struct http_connection *connection)
{
	if (http_ending.after == connection)
		http_ending.after = NULL;
	free(connection->input);
	text_free(&connection->output);
	free(connection);
}

void http_lose(struct http_connection *connection)
{
	connection->tcp = NULL;
	if (!connection->busy || connection->answered)
		release(connection);
}

/* Without memory for the last segment, closing is tried again. */
static err_t close_later(void *context, struct tcp_pcb *tcp)
{
	(void)context;
	tcp_close(tcp);
	return ERR_OK;
}

void http_hang_up(struct http_connection *connection)
{
	struct tcp_pcb *tcp = connection->tcp;
	tcp_arg(tcp, NULL);
	tcp_recv(tcp, NULL);
	tcp_sent(tcp, NULL);
	tcp_err(tcp, NULL);
	http_lose(connection);
	if (tcp_close(tcp) != ERR_OK)
		tcp_poll(tcp, close_later, 1);
}

bool http_queue(struct http_connection *connection, const void *bytes, size_t length)
{
	if (tcp_write(connection->tcp, bytes, (u16_t)length, TCP_WRITE_FLAG_COPY) != ERR_OK)
		return false;
	connection->unacknowledged += length;
	return true;
}

static void queue_pattern(struct http_connection *connection)
{
	static uint8_t pattern[PATTERN_CHUNK + PATTERN];
	if (!pattern[1])
		for (size_t i = 0; i < sizeof pattern; i++)
			pattern[i] = i % PATTERN;
	while (connection->pattern_sent < connection->pattern_length) {
		uint64_t left = connection->pattern_length - connection->pattern_sent;
		size_t room = tcp_sndbuf(connection->tcp), part = left < PATTERN_CHUNK ? (size_t)left : PATTERN_CHUNK;
		part = part < room ? part : room;
		if (!part || !http_queue(connection, pattern + connection->pattern_sent % PATTERN, part))
			return;
		connection->pattern_sent += part;
	}
}

void http_push(struct http_connection *connection)
{
	while (connection->output_sent < connection->output.length) {
		size_t left = connection->output.length - connection->output_sent, room = tcp_sndbuf(connection->tcp);
		size_t part = left < room ? left : room;
		part = part < TCP_SND_BUF / 2 ? part : TCP_SND_BUF / 2;
		if (!part || !http_queue(connection, connection->output.data + connection->output_sent, part))
			break;
		connection->output_sent += part;
	}
	if (connection->output_sent == connection->output.length)
		queue_pattern(connection);
	tcp_output(connection->tcp);
	if (!connection->answered || connection->output_sent < connection->output.length ||
	    connection->pattern_sent < connection->pattern_length)
		return;
	if (http_ending.after == connection && connection->unacknowledged)
		return;
	if (!connection->parsed.keep_alive || http_ending.after == connection) {
		http_hang_up(connection);
		return;
	}
	size_t rest = connection->input_length - connection->parsed.length;
	memmove(connection->input, connection->input + connection->parsed.length, rest);
	connection->input_length = rest;
	connection->busy = connection->answered = connection->told_to_continue = false;
	connection->output.length = connection->output_sent = 0;
	connection->pattern_length = connection->pattern_sent = 0;
	if (rest)
		http_serve_input(connection);
}

static const char *reason(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 400:
		return "Bad Request";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 502:
		return "Bad Gateway";
	default:
		return "Internal Server Error";
	}
}

static void start_reply(struct http_connection *connection, int status, const char *type, uint64_t length)
{
	text_add(&connection->output, "HTTP/1.1 %d %s\r\nServer: unikrun-probe\r\nContent-Type: %s\r\nContent-Length: %lu\r\nConnection: %s\r\n\r\n",
		 status, reason(status), type, length, connection->parsed.keep_alive ? "keep-alive" : "close");
	connection->answered = true;
}

/* The connection may be gone after this. */
static void finish_reply(struct http_connection *connection)
{
	if (connection->tcp)
		http_push(connection);
	else
		release(connection);
}

void http_reply(struct http_connection *connection, int status, const char *type, const void *body, size_t length)
{
	start_reply(connection, status, type, length);
	if (!connection->parsed.head)
		text_add_bytes(&connection->output, body, length);
	finish_reply(connection);
}

void http_reply_text(struct http_connection *connection, int status, const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	size_t length = (size_t)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	http_reply(connection, status, "text/plain; charset=utf-8", text, length < sizeof text ? length : sizeof text - 1);
}

void http_reply_pattern(struct http_connection *connection, uint64_t length)
{
	start_reply(connection, 200, "application/octet-stream", length);
	connection->pattern_length = length;
	finish_reply(connection);
}

void http_end(struct http_connection *connection, enum http_ending kind, int code)
{
	http_ending.after = connection;
	http_ending.kind = kind;
	http_ending.code = code;
	http_ending.deadline = clock_nanoseconds() + END_WITHIN;
}

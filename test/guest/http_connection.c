#include "http_connection.h"

#include "clock.h"

#include <lwip/tcp.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { END_WITHIN = 500000000 };

struct http_pending_end http_ending;

static void release(struct http_connection *connection)
{
	if (http_ending.after == connection)
		http_ending.after = NULL;
	free(connection->input);
	text_free(&connection->fields);
	text_free(&connection->output);
	http_stream_end(&connection->stream);
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
	bool broken = false, all = connection->output_sent == connection->output.length && http_stream_push(connection, &broken);
	tcp_output(connection->tcp);
	if (broken) {
		http_hang_up(connection);
		return;
	}
	if (!connection->answered || !all)
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
	http_stream_end(&connection->stream);
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
	case 403:
		return "Forbidden";
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
	text_add(&connection->output, "HTTP/1.1 %d %s\r\nServer: unikrun-probe\r\nContent-Type: %s\r\nContent-Length: %lu\r\nConnection: %s\r\n",
		 status, reason(status), type, length, connection->parsed.keep_alive ? "keep-alive" : "close");
	text_add_bytes(&connection->output, connection->fields.data, connection->fields.length);
	text_add_bytes(&connection->output, "\r\n", 2);
	connection->fields.length = 0;
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

void http_reply_stream(struct http_connection *connection, const char *type, struct http_stream stream)
{
	start_reply(connection, 200, type, stream.length);
	if (connection->parsed.head)
		stream.length = 0;
	connection->stream = stream;
	finish_reply(connection);
}

void http_add_field(struct http_connection *connection, const char *name, uint64_t value)
{
	text_add(&connection->fields, "%s: %lu\r\n", name, value);
}

void http_end(struct http_connection *connection, enum http_ending kind, int code)
{
	http_ending.after = connection;
	http_ending.kind = kind;
	http_ending.code = code;
	http_ending.deadline = clock_nanoseconds() + END_WITHIN;
}

/* The web server, on lwIP's raw TCP interface: everything runs from callbacks, and none of them blocks. */
#include "http.h"

#include "clock.h"
#include "console.h"
#include "ending.h"
#include "events.h"
#include "http_connection.h"
#include "http_pages.h"
#include "kernel.h"

#include <lwip/tcp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_START = 2048, BACKLOG = 64 };

struct http_server http_server;

void http_serve_input(struct http_connection *connection)
{
	switch (http_parse(connection->input, connection->input_length, &connection->parsed)) {
	case HTTP_INCOMPLETE:
		if (connection->parsed.expects_continue && !connection->told_to_continue) {
			connection->told_to_continue = true;
			http_queue(connection, "HTTP/1.1 100 Continue\r\n\r\n", 25);
			tcp_output(connection->tcp);
		}
		return;
	case HTTP_BAD:
		connection->busy = true;
		connection->parsed = (struct http_parsed){ .length = connection->input_length };
		http_reply_text(connection, 400, "The probe does not understand this request.\n");
		return;
	case HTTP_COMPLETE:
		connection->busy = true;
		http_server.requests++;
		http_answer(connection, &connection->parsed.request);
	}
}

static err_t sent(void *context, struct tcp_pcb *tcp, u16_t length)
{
	struct http_connection *connection = context;
	(void)tcp;
	connection->unacknowledged -= length;
	if (connection->busy)
		http_push(connection);
	return ERR_OK;
}

static bool take_input(struct http_connection *connection, const struct pbuf *packet)
{
	size_t needed = connection->input_length + packet->tot_len + 1;
	if (needed > connection->input_room) {
		if (needed > HTTP_BODY_LIMIT + 2 * HTTP_HEADER_LIMIT)
			return false;
		/* Once the header is there, what it announces is all that is to come. */
		size_t room = 2 * needed > INPUT_START ? 2 * needed : INPUT_START;
		if (!connection->busy && connection->parsed.length >= needed)
			room = connection->parsed.length + 1;
		char *input = realloc(connection->input, room);
		if (!input)
			return false;
		connection->input = input;
		connection->input_room = room;
	}
	pbuf_copy_partial(packet, connection->input + connection->input_length, packet->tot_len, 0);
	connection->input_length += packet->tot_len;
	return true;
}

static err_t received(void *context, struct tcp_pcb *tcp, struct pbuf *packet, err_t error)
{
	struct http_connection *connection = context;
	(void)error;
	/* The peer sends no more. It may still read: an answer that is under way goes on, and closes. */
	if (!packet) {
		connection->parsed.keep_alive = false;
		if (!connection->busy)
			http_hang_up(connection);
		return ERR_OK;
	}
	tcp_recved(tcp, packet->tot_len);
	bool taken = take_input(connection, packet);
	pbuf_free(packet);
	if (!taken)
		http_hang_up(connection);
	else if (!connection->busy)
		http_serve_input(connection);
	return ERR_OK;
}

static void failed(void *context, err_t error)
{
	(void)error;
	http_lose(context);
}

static err_t accepted(void *context, struct tcp_pcb *tcp, err_t error)
{
	(void)context;
	if (error != ERR_OK)
		return ERR_VAL;
	struct http_connection *connection = calloc(1, sizeof *connection);
	if (!connection)
		return ERR_MEM;
	connection->tcp = tcp;
	tcp_arg(tcp, connection);
	tcp_recv(tcp, received);
	tcp_sent(tcp, sent);
	tcp_err(tcp, failed);
	tcp_nagle_disable(tcp);
	return ERR_OK;
}

static int end(void)
{
	switch (http_ending.kind) {
	case HTTP_EXIT:
		kernel_exit(http_ending.code);
	case HTTP_PANIC:
		kernel_panic("the probe guest was told to panic");
	case HTTP_TRAP:
		__asm__ volatile("movl $1, 0" : : : "memory");
		break;
	case HTTP_RETURN:
	case HTTP_GO_ON:
		break;
	}
	return http_ending.code;
}

int http_serve(int port, int argc, char **argv)
{
	http_server = (struct http_server){ port, argc, argv, 0 };
	struct tcp_pcb *tcp = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!tcp || port <= 0 || port > 65535 || tcp_bind(tcp, IP_ANY_TYPE, (u16_t)port) != ERR_OK) {
		printf("probe: cannot listen on port %d\n", port);
		return 1;
	}
	tcp = tcp_listen_with_backlog(tcp, BACKLOG);
	tcp_accept(tcp, accepted);
	printf("probe: serving HTTP on port %d\n", port);
	while (!http_ending.kind || (http_ending.after && clock_nanoseconds() < http_ending.deadline)) {
		while (console_read_line())
			;
		events_wait(http_ending.kind ? http_ending.deadline : UINT64_MAX);
	}
	tcp_close(tcp);
	return end();
}

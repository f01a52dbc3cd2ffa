#include "http_fetch.h"

#include "resolver.h"
#include "text.h"

#include <lwip/tcp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ANSWER_LIMIT = 1 << 20, POLL_HALF_SECONDS = 2, GIVE_UP_AFTER_POLLS = 10 };

struct fetch {
	struct http_connection *connection;
	struct tcp_pcb *tcp;
	uint16_t port;
	unsigned polls;
	char question[1024];
	struct text answer;
};

/* The pcb's callbacks must not come any more; its memory is given back by the caller's way of ending it. */
static void forget(struct tcp_pcb *tcp)
{
	tcp_arg(tcp, NULL);
	tcp_recv(tcp, NULL);
	tcp_err(tcp, NULL);
	tcp_poll(tcp, NULL, 0);
}

static void finish(struct fetch *fetch, const char *trouble)
{
	if (trouble)
		http_reply_text(fetch->connection, 502, "The connection failed: %s.\n", trouble);
	else
		http_reply(fetch->connection, 200, "application/octet-stream", fetch->answer.data, fetch->answer.length);
	text_free(&fetch->answer);
	free(fetch);
}

static err_t received(void *context, struct tcp_pcb *tcp, struct pbuf *packet, err_t error)
{
	struct fetch *fetch = context;
	(void)error;
	if (packet) {
		for (const struct pbuf *part = packet; part && fetch->answer.length < ANSWER_LIMIT; part = part->next)
			text_add_bytes(&fetch->answer, part->payload, part->len);
		tcp_recved(tcp, packet->tot_len);
		pbuf_free(packet);
		return ERR_OK;
	}
	forget(tcp);
	err_t closed = tcp_close(tcp);
	if (closed != ERR_OK)
		tcp_abort(tcp);
	finish(fetch, NULL);
	return closed == ERR_OK ? ERR_OK : ERR_ABRT;
}

static void failed(void *context, err_t error)
{
	struct fetch *fetch = context;
	/* lwIP has already given the pcb's memory back. */
	if (fetch->answer.length)
		finish(fetch, NULL);
	else
		finish(fetch, error == ERR_RST ? "refused or reset" : error == ERR_ABRT ? "no answer" : "lost");
}

static err_t polled(void *context, struct tcp_pcb *tcp)
{
	struct fetch *fetch = context;
	if (++fetch->polls < GIVE_UP_AFTER_POLLS)
		return ERR_OK;
	forget(tcp);
	tcp_abort(tcp);
	finish(fetch, "no answer within 10 s");
	return ERR_ABRT;
}

static err_t connected(void *context, struct tcp_pcb *tcp, err_t error)
{
	struct fetch *fetch = context;
	(void)error;
	tcp_write(tcp, fetch->question, (u16_t)strlen(fetch->question), TCP_WRITE_FLAG_COPY);
	tcp_output(tcp);
	return ERR_OK;
}

static void looked_up(void *context, const ip_addr_t *address, const char *reason)
{
	struct fetch *fetch = context;
	if (!address) {
		finish(fetch, reason);
		return;
	}
	struct tcp_pcb *tcp = tcp_new_ip_type(IP_GET_TYPE(address));
	if (!tcp) {
		finish(fetch, "no memory");
		return;
	}
	tcp_arg(tcp, fetch);
	tcp_recv(tcp, received);
	tcp_err(tcp, failed);
	tcp_poll(tcp, polled, POLL_HALF_SECONDS);
	err_t error = tcp_connect(tcp, address, fetch->port, connected);
	if (error == ERR_OK)
		return;
	forget(tcp);
	tcp_abort(tcp);
	finish(fetch, error == ERR_RTE ? "there is no route" : "it could not be started");
}

void http_fetch(struct http_connection *connection, const char *host, uint16_t port, const char *path)
{
	struct fetch *fetch = calloc(1, sizeof *fetch);
	if (!fetch) {
		http_reply_text(connection, 500, "There is no memory.\n");
		return;
	}
	fetch->connection = connection;
	fetch->port = port;
	const char *colon = strchr(host, ':');
	snprintf(fetch->question, sizeof fetch->question, "GET %s HTTP/1.0\r\nHost: %s%s%s\r\nUser-Agent: unikrun-probe\r\nConnection: close\r\n\r\n",
		 path, colon ? "[" : "", host, colon ? "]" : "");
	resolver_look_up(host, looked_up, fetch);
}

#include "exchange.h"

#include "resolver.h"

#include <lwip/tcp.h>

#include <stdio.h>
#include <stdlib.h>

enum { ANSWER_LIMIT = 1 << 20, POLL_HALF_SECONDS = 2 };

struct running {
	struct exchange exchange;
	unsigned polls;
	struct text question, answer;
};

/* The pcb's callbacks must not come any more; its memory is given back by the caller's way of ending it. */
static void forget(struct tcp_pcb *tcp)
{
	tcp_arg(tcp, NULL);
	tcp_recv(tcp, NULL);
	tcp_err(tcp, NULL);
	tcp_poll(tcp, NULL, 0);
}

static void finish(struct running *running, const char *trouble)
{
	running->exchange.done(running->exchange.context, &running->answer, trouble);
	text_free(&running->question);
	text_free(&running->answer);
	free(running);
}

static err_t hang_up(struct running *running, struct tcp_pcb *tcp)
{
	forget(tcp);
	err_t closed = tcp_close(tcp);
	if (closed != ERR_OK)
		tcp_abort(tcp);
	finish(running, NULL);
	return closed == ERR_OK ? ERR_OK : ERR_ABRT;
}

static err_t received(void *context, struct tcp_pcb *tcp, struct pbuf *packet, err_t error)
{
	struct running *running = context;
	(void)error;
	if (!packet)
		return hang_up(running, tcp);
	for (const struct pbuf *part = packet; part && running->answer.length < ANSWER_LIMIT; part = part->next)
		text_add_bytes(&running->answer, part->payload, part->len);
	tcp_recved(tcp, packet->tot_len);
	pbuf_free(packet);
	bool whole = running->exchange.is_whole && running->exchange.is_whole(&running->answer);
	return whole ? hang_up(running, tcp) : ERR_OK;
}

static void failed(void *context, err_t error)
{
	struct running *running = context;
	/* lwIP has already given the pcb's memory back. */
	if (running->answer.length)
		finish(running, NULL);
	else
		finish(running, error == ERR_RST ? "refused or reset" : error == ERR_ABRT ? "no answer" : "lost");
}

static err_t polled(void *context, struct tcp_pcb *tcp)
{
	struct running *running = context;
	if (++running->polls < running->exchange.seconds)
		return ERR_OK;
	char trouble[64];
	snprintf(trouble, sizeof trouble, "no answer within %u s", running->exchange.seconds);
	forget(tcp);
	tcp_abort(tcp);
	finish(running, trouble);
	return ERR_ABRT;
}

static err_t connected(void *context, struct tcp_pcb *tcp, err_t error)
{
	struct running *running = context;
	(void)error;
	if (running->question.length) {
		tcp_write(tcp, running->question.data, (u16_t)running->question.length, TCP_WRITE_FLAG_COPY);
		tcp_output(tcp);
	}
	return ERR_OK;
}

static void looked_up(void *context, const ip_addr_t *address, const char *reason, uint32_t milliseconds)
{
	struct running *running = context;
	(void)milliseconds;
	if (!address) {
		finish(running, reason);
		return;
	}
	struct tcp_pcb *tcp = tcp_new_ip_type(IP_GET_TYPE(address));
	if (!tcp) {
		finish(running, "no memory");
		return;
	}
	tcp_arg(tcp, running);
	tcp_recv(tcp, received);
	tcp_err(tcp, failed);
	tcp_poll(tcp, polled, POLL_HALF_SECONDS);
	err_t error = tcp_connect(tcp, address, running->exchange.port, connected);
	if (error == ERR_OK)
		return;
	forget(tcp);
	tcp_abort(tcp);
	finish(running, error == ERR_RTE ? "there is no route" : "it could not be started");
}

void exchange_start(const struct exchange *exchange)
{
	struct running *running = calloc(1, sizeof *running);
	if (!running) {
		exchange->done(exchange->context, &(struct text){ NULL, 0, 0 }, "no memory");
		return;
	}
	running->exchange = *exchange;
	text_add_bytes(&running->question, exchange->question, exchange->question_length);
	resolver_look_up(exchange->host, DNS_ANY, looked_up, running);
}

#include "tcp_echo.h"

#include "events.h"

#include <lwip/tcp.h>

#include <stdio.h>

/* What has arrived and not yet gone back is the pcb's argument. */
static void send_back(struct tcp_pcb *tcp, struct pbuf *waiting)
{
	while (waiting && tcp_write(tcp, waiting->payload, waiting->len, TCP_WRITE_FLAG_COPY) == ERR_OK) {
		struct pbuf *next = waiting->next;
		tcp_recved(tcp, waiting->len);
		if (next)
			pbuf_ref(next);
		pbuf_free(waiting);
		waiting = next;
	}
	tcp_arg(tcp, waiting);
	tcp_output(tcp);
}

static err_t received(void *waiting, struct tcp_pcb *tcp, struct pbuf *packet, err_t error)
{
	(void)error;
	if (!packet) {
		if (waiting)
			pbuf_free(waiting);
		tcp_arg(tcp, NULL);
		return tcp_close(tcp);
	}
	if (waiting)
		pbuf_cat(waiting, packet);
	send_back(tcp, waiting ? waiting : packet);
	return ERR_OK;
}

static err_t sent(void *waiting, struct tcp_pcb *tcp, u16_t length)
{
	(void)length;
	send_back(tcp, waiting);
	return ERR_OK;
}

static void failed(void *waiting, err_t error)
{
	(void)error;
	if (waiting)
		pbuf_free(waiting);
}

static err_t accepted(void *context, struct tcp_pcb *tcp, err_t error)
{
	(void)context;
	if (error != ERR_OK)
		return ERR_VAL;
	tcp_arg(tcp, NULL);
	tcp_recv(tcp, received);
	tcp_sent(tcp, sent);
	tcp_err(tcp, failed);
	tcp_nagle_disable(tcp);
	return ERR_OK;
}

int tcp_echo_serve(int port)
{
	struct tcp_pcb *tcp = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!tcp || port <= 0 || port > 65535 || tcp_bind(tcp, IP_ANY_TYPE, (u16_t)port) != ERR_OK) {
		printf("probe: cannot listen on port %d\n", port);
		return 1;
	}
	tcp_accept(tcp_listen(tcp), accepted);
	printf("probe: echoing on TCP port %d\n", port);
	for (;;)
		events_wait(UINT64_MAX);
}

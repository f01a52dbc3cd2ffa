#include "bulk.h"

#include "events.h"

#include <lwip/tcp.h>

#include <stdbool.h>
#include <stdio.h>

enum { PART = 16 * 1024 };

static const char zeros[PART];

static err_t discard(void *context, struct tcp_pcb *tcp, struct pbuf *packet, err_t error)
{
	(void)context, (void)error;
	if (!packet) {
		tcp_sent(tcp, NULL);
		return tcp_close(tcp);
	}
	tcp_recved(tcp, packet->tot_len);
	pbuf_free(packet);
	return ERR_OK;
}

/* The zeros stay where they are, so none of them is copied before the card does. */
static err_t send_more(void *context, struct tcp_pcb *tcp, u16_t length)
{
	(void)context, (void)length;
	for (size_t room; (room = tcp_sndbuf(tcp));)
		if (tcp_write(tcp, zeros, (u16_t)(room < PART ? room : PART), 0) != ERR_OK)
			break;
	tcp_output(tcp);
	return ERR_OK;
}

static err_t accepted_taker(void *context, struct tcp_pcb *tcp, err_t error)
{
	(void)context;
	if (error != ERR_OK)
		return ERR_VAL;
	tcp_recv(tcp, discard);
	return ERR_OK;
}

static err_t accepted_sender(void *context, struct tcp_pcb *tcp, err_t error)
{
	if (accepted_taker(context, tcp, error) != ERR_OK)
		return ERR_VAL;
	tcp_sent(tcp, send_more);
	return send_more(NULL, tcp, 0);
}

static bool listen_on(int port, tcp_accept_fn accepted)
{
	struct tcp_pcb *tcp = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!tcp || port <= 0 || port > 65535 || tcp_bind(tcp, IP_ANY_TYPE, (u16_t)port) != ERR_OK) {
		printf("probe: cannot listen on port %d\n", port);
		return false;
	}
	tcp_accept(tcp_listen(tcp), accepted);
	return true;
}

int bulk_serve(int port)
{
	if (!listen_on(port, accepted_taker) || !listen_on(port + 1, accepted_sender))
		return 1;
	printf("probe: taking on TCP port %d, sending on %d\n", port, port + 1);
	for (;;)
		events_wait(UINT64_MAX);
}

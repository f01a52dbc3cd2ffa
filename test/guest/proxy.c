/* The server of system calls as NetBSD's rump kernels have it (rumpuser_sp.c): its messages, on TCP. */
#include "proxy.h"

#include "config.h"
#include "ending.h"

#include <lwip/tcp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE "RUMPRUN_SYSPROXY"

static const char banner[] = "RUMPSP-0.4-NetBSD-7.99.34/amd64\n";

enum { REQUEST, RESPONSE, FAILURE };
enum { HANDSHAKE, CALL, COPYIN, COPYINSTR, COPYOUT };
enum { MALFORMED = 7, ROOM = 4096 };

struct header {
	uint64_t length, number;
	uint16_t class, type;
	uint32_t word;
};

struct connection {
	struct proxy_caller caller;
	struct proxy_call call;
	/* The number of the call that runs, and of our request for its memory. */
	uint64_t called, asked;
	unsigned needed, has;
	bool is_guest, is_running;
	size_t used;
	uint8_t in[ROOM];
};

static void send_message(struct tcp_pcb *tcp, struct header header, const void *body, size_t length)
{
	header.length = sizeof header + length;
	tcp_write(tcp, &header, sizeof header, TCP_WRITE_FLAG_COPY | (length ? TCP_WRITE_FLAG_MORE : 0));
	if (length)
		tcp_write(tcp, body, (u16_t)length, TCP_WRITE_FLAG_COPY);
	tcp_output(tcp);
}

static void go_on(struct tcp_pcb *tcp, struct connection *connection)
{
	struct proxy_call *call = &connection->call;
	if (connection->has < connection->needed) {
		const struct proxy_memory *memory = &call->memory[connection->has];
		const uint64_t wanted[] = { memory->length, memory->address };
		struct header ask = { .number = ++connection->asked, .class = REQUEST, .type = memory->is_text ? COPYINSTR : COPYIN };
		send_message(tcp, ask, wanted, sizeof wanted);
		return;
	}
	struct {
		int32_t error, padding;
		int64_t result[2];
	} answer = { 0 };
	answer.error = proxy_call_run(&connection->caller, call, &answer.result[0]);
	connection->is_running = false;
	for (unsigned i = 0; i < call->written_count; i++) {
		struct {
			uint64_t length, address;
			uint8_t bytes[PROXY_MEMORY];
		} body = { .length = call->written[i].length, .address = call->written[i].address };
		memcpy(body.bytes, call->written[i].bytes, body.length);
		send_message(tcp, (struct header){ .number = ++connection->asked, .class = REQUEST, .type = COPYOUT }, &body, 16 + body.length);
	}
	send_message(tcp, (struct header){ .number = connection->called, .class = RESPONSE, .type = CALL }, &answer, sizeof answer);
}

static bool take_call(struct connection *connection, const struct header *header, const uint8_t *body, size_t length)
{
	struct proxy_call *call = &connection->call;
	if (!connection->is_guest || connection->is_running || length > sizeof call->arguments)
		return false;
	memset(call, 0, sizeof *call);
	memcpy(call->arguments, body, length);
	call->number = header->word;
	connection->called = header->number;
	connection->has = 0;
	connection->needed = proxy_call_needs(call);
	connection->is_running = true;
	return connection->needed <= PROXY_MEMORIES;
}

static bool take_memory(struct connection *connection, const struct header *header, const uint8_t *body, size_t length)
{
	if (!connection->is_running || connection->has == connection->needed || header->number != connection->asked)
		return false;
	struct proxy_memory *memory = &connection->call.memory[connection->has++];
	if (length > memory->length || (memory->is_text ? !length || body[length - 1] : length != memory->length))
		return false;
	memcpy(memory->bytes, body, length);
	return true;
}

/* False ends the connection. */
static bool take_message(struct tcp_pcb *tcp, struct connection *connection, const struct header *header, const uint8_t *body)
{
	size_t length = header->length - sizeof *header;
	if (header->class == REQUEST && header->type == HANDSHAKE && !header->word) {
		const int32_t no_error = 0;
		connection->is_guest = true;
		send_message(tcp, (struct header){ .number = header->number, .class = RESPONSE, .type = HANDSHAKE }, &no_error, sizeof no_error);
		return true;
	}
	if (header->class == REQUEST && header->type == CALL) {
		if (!take_call(connection, header, body, length)) {
			struct header refusal = { .number = header->number, .class = FAILURE, .word = MALFORMED };
			send_message(tcp, refusal, NULL, 0);
			return true;
		}
	} else if (header->class != RESPONSE || !take_memory(connection, header, body, length)) {
		return false;
	}
	go_on(tcp, connection);
	return true;
}

static bool take_messages(struct tcp_pcb *tcp, struct connection *connection)
{
	struct header header;
	while (connection->used >= sizeof header) {
		memcpy(&header, connection->in, sizeof header);
		if (header.length < sizeof header || header.length > sizeof connection->in)
			return false;
		if (connection->used < header.length)
			return true;
		if (!take_message(tcp, connection, &header, connection->in + sizeof header))
			return false;
		connection->used -= header.length;
		memmove(connection->in, connection->in + header.length, connection->used);
	}
	return true;
}

static err_t end(struct connection *connection, struct tcp_pcb *tcp)
{
	free(connection);
	tcp_arg(tcp, NULL);
	tcp_recv(tcp, NULL);
	tcp_err(tcp, NULL);
	return tcp_close(tcp);
}

static err_t received(void *argument, struct tcp_pcb *tcp, struct pbuf *packet, err_t error)
{
	(void)error;
	struct connection *connection = argument;
	if (!packet)
		return end(connection, tcp);
	size_t length = packet->tot_len;
	bool fits = length <= sizeof connection->in - connection->used;
	if (fits)
		pbuf_copy_partial(packet, connection->in + connection->used, (u16_t)length, 0);
	connection->used += fits ? length : 0;
	tcp_recved(tcp, packet->tot_len);
	pbuf_free(packet);
	return fits && take_messages(tcp, connection) ? ERR_OK : end(connection, tcp);
}

static void failed(void *connection, err_t error)
{
	(void)error;
	free(connection);
}

static err_t accepted(void *context, struct tcp_pcb *tcp, err_t error)
{
	(void)context;
	struct connection *connection = error == ERR_OK ? malloc(sizeof *connection) : NULL;
	if (!connection)
		return ERR_VAL;
	memset(connection, 0, sizeof *connection);
	tcp_arg(tcp, connection);
	tcp_recv(tcp, received);
	tcp_err(tcp, failed);
	tcp_nagle_disable(tcp);
	tcp_write(tcp, banner, sizeof banner - 1, TCP_WRITE_FLAG_COPY);
	tcp_output(tcp);
	return ERR_OK;
}

void proxy_start(void)
{
	const char *where = config_environment(VARIABLE), *port = where ? strrchr(where, ':') : NULL;
	if (!where)
		return;
	struct tcp_pcb *tcp = tcp_new_ip_type(IPADDR_TYPE_V4);
	if (strncmp(where, "tcp://", 6) || !port || !tcp || tcp_bind(tcp, IP4_ADDR_ANY, (u16_t)atoi(port + 1)) != ERR_OK)
		fail_boot("failed to init sysproxy at %s", where);
	tcp_accept(tcp_listen(tcp), accepted);
	printf("sysproxy listening at: %s\n", where);
}

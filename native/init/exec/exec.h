/* `init exec`: what `unikrun exec` runs beside a machine. Each tool returns an exit code; what is wrong is a line on stderr. */
#ifndef UNIKRUN_EXEC_H
#define UNIKRUN_EXEC_H

#include "init.h"

#include <netinet/in.h>

struct exec {
	struct directives words;
	int given; /* the descriptor that came with the directives: a tap, or the guest's console; -1: none */
	int socket; /* opened before privileges were given up; -1: none */
	int tun; /* in a network namespace of our own, whose only other end is the guest; -1: none */
	long deadline; /* ms */
};

/* exec.c */
const char *exec_word(const struct exec *exec, const char *key);
/* Waits for events on fd until the deadline; false when it has passed. */
bool exec_wait(const struct exec *exec, int fd, short events);
/* To what may be a pipe that nobody reads; false when the deadline has passed, or nobody can read it any more. */
bool exec_write(const struct exec *exec, int fd, const char *data, size_t length);
/* "unikrun: …" on stderr; returns 1. */
int exec_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An IPv4 or IPv6 address; an IPv6 link-local one is that of the tunnel's interface. */
union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* tunnel.c */
union address tunnel_address(const char *text, uint16_t port);
socklen_t tunnel_address_size(const union address *address);
/* A socket to the guest, from our own address. Fails, so only where that can still be told. */
int tunnel_socket(const struct exec *exec, int type, int protocol);
void tunnel_open(struct exec *exec);
/* Forks what carries packets between the tunnel and the guest's network, and ends after this process. */
void tunnel_run(const struct exec *exec);

/* neighbour.c: what a guest asks on its network before it sends to us. Answers in place; the answer's length, 0 for none. */
enum { ETHER = 14 };
extern const uint8_t our_mac[6];
size_t neighbour_answer(uint8_t *frame, size_t length);

/* exec_http.c, exec_tcp.c */
void tcp_open(struct exec *exec);
/* Connects exec->socket; false after a complaint. */
bool tcp_connect(struct exec *exec);
/* Takes leave of the guest, so that it keeps nothing of the connection. */
void tcp_finish(struct exec *exec);
int tool_http(struct exec *exec);
int tool_tcp(struct exec *exec);

/* exec_ping.c */
void ping_open(struct exec *exec);
int tool_ping(struct exec *exec);

/* exec_dns.c */
void dns_open(struct exec *exec);
int tool_dns(struct exec *exec);

/* exec_console.c */
int tool_console(struct exec *exec);

#endif

/* `init exec`: what `unikrun exec` runs beside a machine. Each tool returns an exit code; what is wrong is a line on stderr. */
#ifndef UNIKRUN_EXEC_H
#define UNIKRUN_EXEC_H

#include "init.h"

#include <netinet/in.h>

struct exec {
	struct directives words;
	int given; /* the descriptor that came with the directives: a tap, or the guest's console */
	int socket; /* opened before privileges were given up; -1: none */
	int tun; /* in a network namespace of our own, whose only other end is the guest; -1: none */
	long deadline; /* ms */
};

/* exec.c */
const char *exec_word(const struct exec *exec, const char *key);
/* Waits for events on fd until the deadline; false when it has passed. */
bool exec_wait(const struct exec *exec, int fd, short events);
/* "unikrun: …" on stderr; returns 1. */
int exec_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* tunnel.c */
void tunnel_open(struct exec *exec);
/* Forks what carries packets between the tunnel and the guest's network, and ends with this process. */
void tunnel_run(const struct exec *exec);

/* exec_tcp.c */
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

/*
 * The relay between a guest and the engine's name server, which listens on a loopback address of the container's network
 * namespace where no frame of the guest's gets to: a tap brings us the frames that the guest sends to the
 * resolver's address, and takes back the answers.
 */
#ifndef UNIKRUN_RESOLVER_H
#define UNIKRUN_RESOLVER_H

#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

enum { QUERY_LIMIT = 256, QUESTION_LIMIT = 12 + 256 + 4 };

struct query {
	long deadline; /* 0: free */
	uint32_t guest; /* network order, as all that goes into a frame */
	uint16_t port, id;
	uint8_t guest_mac[6], our_mac[6];
	uint8_t turn; /* tells this query's answer from that of its place's last one */
	size_t question_length;
	uint8_t question[QUESTION_LIMIT];
};
struct resolver {
	int tap, socket; /* -1: there is none */
	uint32_t address;
	size_t mtu;
	size_t next, pending;
	struct query *queries;
};
void resolver_open(struct resolver *resolver, int tap, const char *value);
void resolver_from_guest(struct resolver *resolver, long now);
void resolver_from_server(struct resolver *resolver);
/* Answers what has waited too long with SERVFAIL; returns when to be called again, -1 for never. */
long resolver_deadline(struct resolver *resolver, long now);

#endif

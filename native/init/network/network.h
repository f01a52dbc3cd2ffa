/* The networks of a container: what init carries between them, and what it says of them. */
#ifndef UNIKRUN_NETWORK_H
#define UNIKRUN_NETWORK_H

#include "init.h"

#include <netinet/in.h>
#include <poll.h>

/* packet.c: packets between a guest and an address of ours, of either IP, whose frames a tap brings. */
struct place {
	int tap; /* -1: there is none */
	int family; /* AF_INET or AF_INET6 */
	size_t mtu;
	uint8_t address[16]; /* the first 4 bytes, of IPv4 */
};
struct peer {
	uint8_t address[16];
	uint8_t mac[6], our_mac[6];
	uint16_t port; /* network order */
};
struct packet {
	struct peer from;
	uint8_t protocol; /* UDP or TCP, whose header is there */
	const uint8_t *data; /* from that header on */
	size_t length;
};
enum { FRAME_MOST = 65536, PACKET_HEAD_MOST = 14 + 40, DNS_PORT = 53 };
/* Bytes of a frame before the header of UDP or TCP; of a packet, without Ethernet's. */
size_t packet_head(const struct place *place);
size_t packet_ip_head(const struct place *place);
/* False where it is none for us. */
bool packet_read(const struct place *place, const uint8_t *frame, size_t length, struct packet *packet);
/* `length` bytes, UDP's or TCP's header first, stand behind the frame's head, which is filled in here, as are ports and checksum. */
void packet_send(const struct place *place, const struct peer *to, uint8_t protocol, uint8_t *frame, size_t length);
/* Tells a guest that asks for our address which MAC that is; false where the frame is no such question. */
bool packet_answer_neighbour(const struct place *place, uint8_t *frame, size_t length);

/* segment.c: TCP's segments, and the one option that is used: how large they may be. */
struct tcphdr;
size_t segment_most(const struct place *place);
/* Ports, size and checksum are filled in. */
void segment_send(const struct place *place, const struct peer *to, const struct tcphdr *head, const uint8_t *data, size_t length);
/* What a SYN's options ask for. */
size_t segment_asked(const uint8_t *options, size_t length);

/* stream.c: a guest's connections to the name server. This side of each is a small TCP of our own, the other a socket. */
enum { STREAM_LIMIT = 64, STREAM_UP = 2048, STREAM_DOWN = 16384 };

struct stream {
	bool is_open;
	bool is_connecting; /* to the server; the guest has no answer to its SYN yet */
	bool is_established, guest_ended, told_end, server_ended, sent_end, end_acked;
	int server;
	struct peer guest;
	uint32_t next_in; /* of the guest's bytes */
	uint32_t acked, next_out, most_out; /* of ours: `down` begins at the first */
	uint16_t window, segment;
	unsigned tries;
	long resend_at /* 0: nothing is waited for */, idle_at;
	size_t up_used, down_used;
	uint8_t up[STREAM_UP], down[STREAM_DOWN];
};
struct streams {
	const struct place *place;
	struct sockaddr_in server;
	size_t open;
	uint32_t first; /* of the next stream's numbers */
	struct stream *each;
};
void streams_open(struct streams *streams, const struct place *place, const struct sockaddr_in *server);
void streams_from_guest(struct streams *streams, const struct packet *packet, long now);
/* For poll(2); how many there are. */
size_t streams_poll(const struct streams *streams, struct pollfd *fds);
/* Right after poll(2). */
void streams_from_server(struct streams *streams, const struct pollfd *polled, long now);
/* Sends again what was lost; returns when to be called again, -1 for never. */
long streams_deadline(struct streams *streams, long now);

/*
 * resolver.c: the relay between a guest and the engine's name server, which listens on a loopback address of the container's network
 * namespace where no frame of the guest's gets to: a tap brings us the frames that the guest sends to the
 * resolver's address, and takes back the answers.
 */
enum { QUERY_LIMIT = 256, QUESTION_LIMIT = 12 + 256 + 4 };

struct query {
	long deadline, resend_at; /* 0: free; and when it is asked again */
	struct peer guest;
	uint16_t id; /* network order */
	uint8_t turn; /* tells this query's answer from that of its place's last one */
	size_t question_length;
	uint8_t question[QUESTION_LIMIT];
};
struct resolver {
	struct place place;
	int socket; /* -1: there is none */
	size_t next, pending;
	struct query *queries;
	struct streams streams;
};
void resolver_open(struct resolver *resolver, int tap, const char *value);
void resolver_from_guest(struct resolver *resolver, long now);
void resolver_from_server(struct resolver *resolver);
/* Answers what has waited too long with SERVFAIL; returns when to be called again, -1 for never. */
long resolver_deadline(struct resolver *resolver, long now);

/*
 * dhcp.c: answers a guest that knows its addresses by DHCP only (RFC 2131), with those that its container has. Its requests come to a tap of
 * ours, and nobody else on its networks hears them.
 */
enum { LEASES = 16, LEASE_OPTIONS = 292 };
struct lease {
	uint8_t card; /* the guest's cards are counted from 0 */
	uint8_t mac[6];
	uint32_t address, server; /* network order */
	size_t length;
	uint8_t options[LEASE_OPTIONS]; /* as they stand in an answer, but for those that DHCP itself has need of */
};
struct dhcp {
	int tap; /* -1: none */
	size_t count;
	struct lease leases[LEASES];
};
void dhcp_open(struct dhcp *dhcp, int tap, const struct directives *d);
void dhcp_from_guest(struct dhcp *dhcp);

/* checksum.c: the internet's (RFC 1071), of pieces that have an even length but for the last. */
uint32_t checksum_add(const void *data, size_t length, uint32_t from);
uint16_t checksum_end(uint32_t value);

/* links.c: interfaces that come to or leave the network namespace, of which the engine tells the runtime nothing. */
enum { LINK_LIMIT = 32 };
struct links {
	int socket;
	struct wired_link {
		int index;
		char name[16];
	} wired[LINK_LIMIT];
	int told[LINK_LIMIT]; /* indexes of those that came */
	size_t wired_count, told_count;
};
void links_open(struct links *links, const struct directives *d);
void links_read(struct links *links);

/* An IPv4 or IPv6 address; an IPv6 link-local one is that of the tunnel's interface. */
union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/*
 * tunnel.c: the guest's address is the container's own in its network namespace, so no program there can reach the guest by it. A
 * namespace of our own has a point-to-point interface to the guest; its packets go as frames to the tap that came with the
 * directives, which the runtime has joined to the guest's.
 */
struct tunnel {
	const struct directives *words; /* own-address, guest-address, guest-mac, mtu; guest-alias, of IPv4 */
	int tap;
	int tun; /* in a network namespace of our own, whose only other end is the guest; -1: none */
	int nodes; /* a folder with the node that it is made by; -1: the host's */
};
union address tunnel_address(const char *text, uint16_t port);
socklen_t tunnel_address_size(const union address *address);
/* A socket to the guest, from our own address. Fails, so only where that can still be told. */
int tunnel_socket(const struct tunnel *tunnel, int type, int protocol);
void tunnel_open(struct tunnel *tunnel);
/* Forks what carries packets between the tunnel and the guest's network, and ends after this process; in it `confine` comes first. */
void tunnel_run(const struct tunnel *tunnel, void (*confine)(void));

/* neighbour.c: what a guest asks on its network before it sends to us. Answers in place; the answer's length, 0 for none. */
enum { ETHER = 14 };
extern const uint8_t our_mac[6];
size_t neighbour_answer(uint8_t *frame, size_t length);

#endif

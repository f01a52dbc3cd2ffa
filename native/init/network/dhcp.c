#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SERVER_PORT = 67, CLIENT_PORT = 68, FRAME = 2048, FRAMES = 64,
	REQUEST = 1, REPLY = 2, /* of BOOTP */
	DISCOVER = 1, OFFER, REQUESTING, DECLINE, ACK, NAK, RELEASE, INFORM, /* RFC 2132, 9.6 */
	PAD = 0, REQUESTED_ADDRESS = 50, LEASE_TIME = 51, MESSAGE_TYPE = 53, SERVER = 54, END = 255,
	BROADCAST = 0x8000, COOKIE = 0x63825363,
	SHORTEST = 300, /* of BOOTP, which some insist on */
};

struct message {
	struct ether_header ether;
	struct iphdr ip;
	struct udphdr udp;
	struct bootp {
		uint8_t operation, hardware, hardware_length, hops;
		uint32_t id;
		uint16_t seconds, flags;
		uint32_t client, yours, next, relay;
		uint8_t mac[16], names[64 + 128];
		uint32_t cookie;
	} __attribute__((packed)) bootp;
	uint8_t options[];
} __attribute__((packed, aligned(2)));

enum { BEFORE_UDP = sizeof(struct ether_header) + sizeof(struct iphdr), BEFORE_BOOTP = BEFORE_UDP + sizeof(struct udphdr) };

/* What a client says in its options. */
struct wish {
	uint8_t type; /* 0: it is none of DHCP's */
	uint32_t server, address; /* 0: not said */
};

static struct wish read_wish(const uint8_t *options, size_t length)
{
	struct wish wish = { 0 };
	size_t at = 0;
	while (at < length && options[at] != END) {
		uint8_t code = options[at++];
		if (code == PAD)
			continue;
		if (at == length || options[at] > length - at - 1)
			break;
		uint8_t size = options[at++];
		if (code == MESSAGE_TYPE && size == 1)
			wish.type = options[at];
		else if (code == SERVER && size == 4)
			memcpy(&wish.server, options + at, 4);
		else if (code == REQUESTED_ADDRESS && size == 4)
			memcpy(&wish.address, options + at, 4);
		at += size;
	}
	return wish;
}

static uint8_t *put(uint8_t *at, uint8_t code, const void *value, uint8_t length)
{
	*at++ = code;
	*at++ = length;
	memcpy(at, value, length);
	return at + length;
}

/* What the answer is of, 0 for none. */
static uint8_t answer_type(const struct wish *wish, const struct bootp *bootp, const struct lease *lease)
{
	if (wish->server && wish->server != lease->server)
		return 0;
	if (wish->type == DISCOVER)
		return OFFER;
	if (wish->type == INFORM)
		return ACK;
	if (wish->type != REQUESTING)
		return 0;
	/* It asks for what it was offered, or confirms what it has. */
	uint32_t wanted = wish->address ? wish->address : bootp->client;
	return wanted == lease->address ? ACK : NAK;
}

static void send_answer(const struct dhcp *d, const struct message *in, const struct lease *lease, const struct wish *wish, uint8_t type)
{
	/* The largest answer, and zeros up to the shortest. */
	static union {
		struct message message;
		uint8_t bytes[sizeof(struct message) + 32 + LEASE_OPTIONS + SHORTEST];
	} out;
	memset(&out, 0, sizeof out);
	struct message *m = &out.message;
	bool to_all = type == NAK || (!in->bootp.client && in->bootp.flags & htons(BROADCAST));
	bool informs = wish->type == INFORM;
	m->bootp = (struct bootp){ .operation = REPLY, .hardware = 1, .hardware_length = 6, .id = in->bootp.id, .flags = in->bootp.flags,
				   .client = type == ACK ? in->bootp.client : 0, .cookie = htonl(COOKIE) };
	m->bootp.yours = type == NAK || informs ? 0 : lease->address;
	memcpy(m->bootp.mac, in->bootp.mac, sizeof m->bootp.mac);
	uint32_t forever = 0xffffffff;
	uint8_t *at = put(m->options, MESSAGE_TYPE, &type, 1);
	at = put(at, SERVER, &lease->server, 4);
	if (type != NAK) {
		if (!informs)
			at = put(at, LEASE_TIME, &forever, 4);
		memcpy(at, lease->options, lease->length);
		at += lease->length;
	}
	*at++ = END;
	size_t length = (size_t)(at - (uint8_t *)&m->bootp);
	length = sizeof m->udp + (length < SHORTEST ? SHORTEST : length);
	memcpy(m->ether.ether_dhost, to_all ? (const uint8_t *)"\xff\xff\xff\xff\xff\xff" : in->ether.ether_shost, 6);
	/* By its last byte the filters of traffic control tell whose card it is for (runtime/network/dhcp.ts). */
	memcpy(m->ether.ether_shost, (const uint8_t[]){ 0x02, 0, 0xa9, 0xfe, 0x36, lease->card }, 6);
	m->ether.ether_type = htons(ETHERTYPE_IP);
	m->udp = (struct udphdr){ .source = htons(SERVER_PORT), .dest = htons(CLIENT_PORT), .len = htons((uint16_t)length) };
	m->ip = (struct iphdr){ .version = 4, .ihl = 5, .tot_len = htons((uint16_t)(sizeof m->ip + length)), .frag_off = htons(IP_DF), .ttl = 64,
				.protocol = IPPROTO_UDP, .saddr = lease->server,
				.daddr = to_all ? forever : in->bootp.client ? in->bootp.client : lease->address };
	m->ip.check = checksum_end(checksum_add(&m->ip, sizeof m->ip, 0));
	uint32_t pseudo = checksum_add(&m->ip.saddr, 8, IPPROTO_UDP + (uint32_t)length);
	m->udp.check = checksum_end(checksum_add(&m->udp, length, pseudo));
	if (!m->udp.check)
		m->udp.check = 0xffff;
	(void)!write(d->tap, m, BEFORE_UDP + length);
}

static const struct lease *find_lease(const struct dhcp *d, const uint8_t *mac)
{
	for (size_t i = 0; i < d->count; i++)
		if (!memcmp(d->leases[i].mac, mac, 6))
			return &d->leases[i];
	return NULL;
}

static void take_frame(const struct dhcp *d, const struct message *in, size_t length)
{
	if (length < sizeof *in || in->ether.ether_type != htons(ETHERTYPE_IP) || in->ip.version != 4 || in->ip.ihl != 5 ||
	    in->ip.protocol != IPPROTO_UDP || ntohs(in->ip.frag_off) & (IP_MF | IP_OFFMASK) || in->udp.dest != htons(SERVER_PORT))
		return;
	size_t said = BEFORE_UDP + ntohs(in->udp.len);
	if (said < sizeof *in || said > length)
		return;
	const struct bootp *bootp = &in->bootp;
	const struct lease *lease = find_lease(d, bootp->mac);
	if (!lease || bootp->operation != REQUEST || bootp->hardware != 1 || bootp->hardware_length != 6 || bootp->relay ||
	    bootp->cookie != htonl(COOKIE))
		return;
	struct wish wish = read_wish(in->options, said - sizeof *in);
	uint8_t type = answer_type(&wish, bootp, lease);
	if (!type)
		return;
	send_answer(d, in, lease, &wish, type);
	if (type == ACK)
		trace(EVENT_DHCP, 0);
}

void dhcp_from_guest(struct dhcp *d)
{
	static uint8_t frame[FRAME] __attribute__((aligned(4)));
	for (int i = 0; i < FRAMES; i++) {
		ssize_t n = read(d->tap, frame, sizeof frame);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			close(d->tap);
			d->tap = -1;
		}
		if (n <= 0)
			return;
		take_frame(d, (const struct message *)frame, (size_t)n);
	}
}

/* "CARD MAC ADDRESS SERVER OPTIONS", the last in hexadecimal digits. */
static void read_lease(struct lease *lease, const char *value)
{
	char address[16], server[16];
	int begin = 0;
	uint8_t *mac = lease->mac;
	if (sscanf(value, "%hhu %hhx:%hhx:%hhx:%hhx:%hhx:%hhx %15s %15s %n", &lease->card, &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5],
		   address, server, &begin) != 9 ||
	    inet_pton(AF_INET, address, &lease->address) != 1 || inet_pton(AF_INET, server, &lease->server) != 1)
		fail("\"%s\" is no lease", value);
	const char *digits = value + begin;
	lease->length = strlen(digits) / 2;
	if (strlen(digits) % 2 || lease->length > sizeof lease->options || !read_hex(lease->options, digits, lease->length))
		fail("\"%s\" is no lease", value);
}

void dhcp_open(struct dhcp *d, int tap, const struct directives *text)
{
	size_t cursor = 0;
	struct directive each;
	d->tap = tap;
	while (directives_next(text, &cursor, &each))
		if (each.word == WORD_LEASE && d->count < LEASES)
			read_lease(&d->leases[d->count++], each.value);
	if (fcntl(tap, F_SETFL, O_NONBLOCK) < 0)
		fail_errno("could not listen to the guest's requests for its address");
}

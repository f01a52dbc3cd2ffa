#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { PORT_SIZE = 2, HOP_LIMIT = 64, ARP_TARGET = ETHER + 24, SOLICITED = ETHER + 48 };

static size_t address_size(const struct place *place)
{
	return place->family == AF_INET6 ? 16 : 4;
}

size_t packet_ip_head(const struct place *place)
{
	return place->family == AF_INET6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
}

size_t packet_head(const struct place *place)
{
	return ETHER + packet_ip_head(place);
}

/* `length` bytes at most: without options, not a fragment. The packet's data and where it comes from, or NULL. */
static const uint8_t *read_ipv4(const struct place *place, const uint8_t *at, size_t length, struct packet *p)
{
	struct iphdr ip;
	if (length < sizeof ip)
		return NULL;
	memcpy(&ip, at, sizeof ip);
	size_t whole = ntohs(ip.tot_len);
	if (ip.version != 4 || ip.ihl != 5 || ntohs(ip.frag_off) & (IP_MF | IP_OFFMASK) || whole < sizeof ip || whole > length ||
	    memcmp(&ip.daddr, place->address, sizeof ip.daddr))
		return NULL;
	p->protocol = ip.protocol;
	p->length = whole - sizeof ip;
	return at + offsetof(struct iphdr, saddr);
}

static const uint8_t *read_ipv6(const struct place *place, const uint8_t *at, size_t length, struct packet *p)
{
	struct ip6_hdr ip;
	if (length < sizeof ip)
		return NULL;
	memcpy(&ip, at, sizeof ip);
	p->protocol = ip.ip6_nxt;
	p->length = ntohs(ip.ip6_plen);
	if (ip.ip6_vfc >> 4 != 6 || p->length > length - sizeof ip || memcmp(&ip.ip6_dst, place->address, sizeof ip.ip6_dst))
		return NULL;
	return at + offsetof(struct ip6_hdr, ip6_src);
}

bool packet_read(const struct place *place, const uint8_t *frame, size_t length, struct packet *p)
{
	uint16_t type = htons(place->family == AF_INET6 ? ETH_P_IPV6 : ETH_P_IP);
	if (length < ETHER || memcmp(frame + offsetof(struct ethhdr, h_proto), &type, sizeof type))
		return false;
	const uint8_t *source = (place->family == AF_INET6 ? read_ipv6 : read_ipv4)(place, frame + ETHER, length - ETHER, p);
	if (!source || p->length < (p->protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr)))
		return false;
	p->data = frame + packet_head(place);
	memset(p->from.address, 0, sizeof p->from.address);
	memcpy(p->from.address, source, address_size(place));
	memcpy(p->from.mac, frame + offsetof(struct ethhdr, h_source), ETH_ALEN);
	memcpy(p->from.our_mac, frame + offsetof(struct ethhdr, h_dest), ETH_ALEN);
	memcpy(&p->from.port, p->data, PORT_SIZE);
	return true;
}

static void write_ipv4(const struct place *place, const struct peer *to, uint8_t protocol, uint8_t *at, size_t length)
{
	struct iphdr ip = { .version = 4, .ihl = 5, .tot_len = htons((uint16_t)(sizeof ip + length)), .frag_off = htons(IP_DF),
			    .ttl = HOP_LIMIT, .protocol = protocol };
	memcpy(&ip.saddr, place->address, sizeof ip.saddr);
	memcpy(&ip.daddr, to->address, sizeof ip.daddr);
	ip.check = checksum_end(checksum_add(&ip, sizeof ip, 0));
	memcpy(at, &ip, sizeof ip);
}

static void write_ipv6(const struct place *place, const struct peer *to, uint8_t protocol, uint8_t *at, size_t length)
{
	struct ip6_hdr ip = { .ip6_flow = htonl(6U << 28), .ip6_plen = htons((uint16_t)length), .ip6_nxt = protocol, .ip6_hlim = HOP_LIMIT };
	memcpy(&ip.ip6_src, place->address, sizeof ip.ip6_src);
	memcpy(&ip.ip6_dst, to->address, sizeof ip.ip6_dst);
	memcpy(at, &ip, sizeof ip);
}

void packet_send(const struct place *place, const struct peer *to, uint8_t protocol, uint8_t *frame, size_t length)
{
	bool is_v6 = place->family == AF_INET6, is_udp = protocol == IPPROTO_UDP;
	struct ethhdr ether = { .h_proto = htons(is_v6 ? ETH_P_IPV6 : ETH_P_IP) };
	uint8_t *data = frame + packet_head(place);
	uint16_t check = 0, size = htons((uint16_t)length), port = htons(DNS_PORT);
	uint8_t *check_at = data + (is_udp ? offsetof(struct udphdr, check) : offsetof(struct tcphdr, check));
	memcpy(ether.h_dest, to->mac, sizeof ether.h_dest);
	memcpy(ether.h_source, to->our_mac, sizeof ether.h_source);
	memcpy(frame, &ether, sizeof ether);
	(is_v6 ? write_ipv6 : write_ipv4)(place, to, protocol, frame + ETHER, length);
	memcpy(data, &port, sizeof port);
	memcpy(data + PORT_SIZE, &to->port, sizeof to->port);
	if (is_udp)
		memcpy(data + offsetof(struct udphdr, len), &size, sizeof size);
	memcpy(check_at, &check, sizeof check);
	uint32_t pseudo = checksum_add(place->address, address_size(place), protocol + (uint32_t)length);
	check = checksum_end(checksum_add(data, length, checksum_add(to->address, address_size(place), pseudo)));
	/* To UDP 0 is no checksum. */
	if (is_udp && !check)
		check = 0xffff;
	memcpy(check_at, &check, sizeof check);
	/* A frame that the guest has no room for is lost as on any network. */
	(void)!write(place->tap, frame, packet_head(place) + length);
}

bool packet_answer_neighbour(const struct place *place, uint8_t *frame, size_t length)
{
	size_t at = place->family == AF_INET6 ? SOLICITED : ARP_TARGET;
	if (length < at + address_size(place) || memcmp(frame + at, place->address, address_size(place)))
		return false;
	size_t answer = neighbour_answer(frame, length);
	if (answer)
		(void)!write(place->tap, frame, answer);
	return answer > 0;
}

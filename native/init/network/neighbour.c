#include "network/network.h"

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip6.h>
#include <string.h>

/* Nobody else's: locally administered. */
const uint8_t our_mac[6] = { 0x02, 'u', 'k', 'x', 0, 1 };

struct arp {
	struct arphdr head;
	uint8_t sender_mac[6], sender[4], target_mac[6], target[4];
} __attribute__((packed));

struct solicitation {
	struct ip6_hdr ip;
	struct nd_neighbor_solicit ask;
	struct {
		uint8_t type, eights;
		uint8_t mac[6];
	} option;
} __attribute__((packed));

static void send_back(struct ethhdr *ether)
{
	memcpy(ether->h_dest, ether->h_source, 6);
	memcpy(ether->h_source, our_mac, 6);
}

static size_t answer_arp(struct ethhdr *ether, struct arp *arp, size_t length)
{
	if (length < sizeof *arp || arp->head.ar_op != htons(ARPOP_REQUEST))
		return 0;
	uint8_t ours[4];
	memcpy(ours, arp->target, 4);
	memcpy(arp->target_mac, arp->sender_mac, 6);
	memcpy(arp->target, arp->sender, 4);
	memcpy(arp->sender_mac, our_mac, 6);
	memcpy(arp->sender, ours, 4);
	arp->head.ar_op = htons(ARPOP_REPLY);
	send_back(ether);
	return ETHER + sizeof *arp;
}

static uint16_t checksum(const struct solicitation *s)
{
	uint32_t length = sizeof *s - sizeof s->ip;
	return checksum_end(checksum_add(&s->ip.ip6_src, 32 + length, IPPROTO_ICMPV6 + length));
}

/* RFC 4861, 7.2.4: a solicited advertisement with our link-layer address. */
static size_t answer_solicitation(struct ethhdr *ether, struct solicitation *s, size_t length)
{
	static const uint8_t nobody[16];
	if (length < sizeof s->ip + sizeof s->ask || s->ip.ip6_nxt != IPPROTO_ICMPV6 || s->ask.nd_ns_type != ND_NEIGHBOR_SOLICIT ||
	    !memcmp(&s->ip.ip6_src, nobody, sizeof nobody))
		return 0;
	s->ip.ip6_dst = s->ip.ip6_src;
	s->ip.ip6_src = s->ask.nd_ns_target;
	s->ip.ip6_plen = htons(sizeof *s - sizeof s->ip);
	s->ask.nd_ns_type = ND_NEIGHBOR_ADVERT;
	s->ask.nd_ns_reserved = ND_NA_FLAG_SOLICITED | ND_NA_FLAG_OVERRIDE;
	s->option.type = ND_OPT_TARGET_LINKADDR;
	s->option.eights = 1;
	memcpy(s->option.mac, our_mac, 6);
	s->ask.nd_ns_cksum = 0;
	s->ask.nd_ns_cksum = checksum(s);
	send_back(ether);
	return ETHER + sizeof *s;
}

size_t neighbour_answer(uint8_t *frame, size_t length)
{
	struct ethhdr *ether = (struct ethhdr *)frame;
	if (length < ETHER)
		return 0;
	if (ether->h_proto == htons(ETH_P_ARP))
		return answer_arp(ether, (struct arp *)(frame + ETHER), length - ETHER);
	if (ether->h_proto == htons(ETH_P_IPV6))
		return answer_solicitation(ether, (struct solicitation *)(frame + ETHER), length - ETHER);
	return 0;
}

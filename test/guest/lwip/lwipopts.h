/* What differs from lwIP's defaults: no threads, memory from malloc, both families, room for a test server. */
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_STATS 0

#define MEM_LIBC_MALLOC 1
#define MEMP_MEM_MALLOC 1
#define MEM_ALIGNMENT 16
#define MEMP_NUM_TCP_PCB_LISTEN 16

#define LWIP_IPV4 1
#define LWIP_IPV6 1
#define LWIP_ICMP 1
#define LWIP_RAW 1
#define LWIP_DHCP 1
#define LWIP_DHCP_DOES_ACD_CHECK 0
#define DHCP_DOES_ARP_CHECK 0
#define LWIP_DHCP_MAX_DNS_SERVERS 0
#define LWIP_DNS 0
#define LWIP_NETIF_HOSTNAME 1
#define LWIP_NETIF_LOOPBACK 1
#define LWIP_HAVE_LOOPIF 1
#define LWIP_LOOPBACK_MAX_PBUFS 64
#define ETH_PAD_SIZE 0

#define ARP_TABLE_SIZE 64
#define ARP_QUEUEING 1
#define IP_REASSEMBLY 1
#define IP_FRAG 1
/* Needed where a pointer has 8 bytes. */
#define IPV6_FRAG_COPYHEADER 1

/* Addresses work at once, as under rumprun, which switches duplicate address detection off. */
#define LWIP_IPV6_DUP_DETECT_ATTEMPTS 0
#define LWIP_IPV6_NUM_ADDRESSES 6
#define LWIP_IPV6_AUTOCONFIG 1
#define LWIP_ND6_NUM_NEIGHBORS 32
#define LWIP_ND6_NUM_DESTINATIONS 32
#define LWIP_ND6_QUEUEING 1
#define LWIP_ND6_TCP_REACHABILITY_HINTS 1
#define LWIP_ND6_ALLOW_RA_UPDATES 1

#define TCP_MSS 1460
#define TCP_WND (32 * 1024)
#define TCP_SND_BUF (32 * 1024)
#define TCP_SND_QUEUELEN 128
/* A second in TIME_WAIT, in which lwIP answers no new connection from the same port, not two minutes. */
#define TCP_MSL 500
#define TCP_LISTEN_BACKLOG 1
#define TCP_DEFAULT_LISTEN_BACKLOG 64
#define TCP_QUEUE_OOSEQ 1
#define LWIP_TCP_KEEPALIVE 1
#define SO_REUSE 1

#include "lwip/arch.h"

struct netif;
struct ip6_addr;
struct netif *network_route_ipv6(const struct ip6_addr *destination);
const struct ip6_addr *network_next_hop_ipv6(struct netif *interface, const struct ip6_addr *destination);

#define LWIP_HOOK_IP6_ROUTE(source, destination) network_route_ipv6(destination)
#define LWIP_HOOK_ND6_GET_GW(interface, destination) network_next_hop_ipv6(interface, destination)

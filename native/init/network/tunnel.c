#define _GNU_SOURCE
#include "network/network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <net/route.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define INTERFACE "guest"

enum { PACKET = 65536, LAST_MS = 20, SETTLING_MS = 2000 };

/* linux/ipv6.h has it, which clashes with netinet/in.h. */
struct in6_ifreq {
	struct in6_addr address;
	uint32_t prefix;
	int index;
};

static const char *value_of(const struct tunnel *tunnel, enum word word)
{
	const char *value = directives_get(tunnel->words, word);
	return value ? value : "";
}

union address tunnel_address(const char *text, uint16_t port)
{
	union address address = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) } };
	/* Asked for once, since a tool may not at its end. */
	static unsigned interface;
	if (inet_pton(AF_INET6, text, &address.v6.sin6_addr) == 1) {
		if (IN6_IS_ADDR_LINKLOCAL(&address.v6.sin6_addr) && (interface || (interface = if_nametoindex(INTERFACE))))
			address.v6.sin6_scope_id = interface;
		return address;
	}
	address = (union address){ .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };
	if (inet_pton(AF_INET, text, &address.v4.sin_addr) != 1)
		fail("\"%s\" is no address", text);
	return address;
}

socklen_t tunnel_address_size(const union address *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

int tunnel_socket(const struct tunnel *tunnel, int type, int protocol)
{
	/* The kernel gives the tunnel link-local addresses of its own too, which the guest's answers would not find. */
	union address own = tunnel_address(value_of(tunnel, WORD_OWN_ADDRESS), 0);
	int fd = socket(own.any.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
	if (fd < 0)
		fail_errno("could not open a socket to the guest");
	/* An address of IPv6 can be used when the kernel's own worker has looked at it. */
	long until = now_ms() + SETTLING_MS;
	while (bind(fd, &own.any, tunnel_address_size(&own)) < 0) {
		if (errno != EADDRNOTAVAIL || now_ms() >= until)
			fail_errno("could not use the address %s", value_of(tunnel, WORD_OWN_ADDRESS));
		poll(NULL, 0, 1);
	}
	return fd;
}

static void set(int fd, unsigned long request, void *what)
{
	if (ioctl(fd, request, what) < 0)
		fail_errno("could not set up the tunnel to the guest");
}

static void give_addresses_v4(int fd, struct ifreq *interface, union address own, union address guest)
{
	memcpy(&interface->ifr_addr, &own.v4, sizeof own.v4);
	set(fd, SIOCSIFADDR, interface);
	memcpy(&interface->ifr_addr, &guest.v4, sizeof guest.v4);
	set(fd, SIOCSIFDSTADDR, interface);
}

/* Once the interface is up: the guest's other addresses. */
static void add_routes_v4(int fd, const struct tunnel *tunnel)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(tunnel->words, &cursor, &each)) {
		if (each.word != WORD_GUEST_ALIAS)
			continue;
		union address alias = tunnel_address(each.value, 0);
		struct rtentry route = { .rt_dev = INTERFACE, .rt_flags = RTF_UP | RTF_HOST };
		memcpy(&route.rt_dst, &alias.v4, sizeof alias.v4);
		set(fd, SIOCADDRT, &route);
	}
}

/* Once the interface is up. */
static void give_addresses_v6(int fd, union address own, union address guest)
{
	int index = (int)if_nametoindex(INTERFACE);
	struct in6_ifreq address = { .address = own.v6.sin6_addr, .prefix = 128, .index = index };
	set(fd, SIOCSIFADDR, &address);
	struct in6_rtmsg route = { .rtmsg_dst = guest.v6.sin6_addr, .rtmsg_dst_len = 128, .rtmsg_metric = 1, .rtmsg_flags = RTF_UP,
				   .rtmsg_ifindex = index };
	set(fd, SIOCADDRT, &route);
}

void tunnel_open(struct tunnel *tunnel)
{
	/* A tun belongs to the namespace that its device file was opened in. */
	if (unshare(CLONE_NEWNET) < 0)
		fail_errno("could not make a network namespace");
	const int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK;
	tunnel->tun = tunnel->nodes < 0 ? open("/dev/net/tun", flags) : openat(tunnel->nodes, "tun", flags);
	if (tunnel->nodes >= 0)
		close(tunnel->nodes);
	struct ifreq interface = { .ifr_name = INTERFACE, .ifr_flags = IFF_TUN | IFF_NO_PI };
	if (tunnel->tun < 0 || ioctl(tunnel->tun, TUNSETIFF, &interface) < 0)
		fail_errno("could not make a tunnel to the guest");
	union address own = tunnel_address(value_of(tunnel, WORD_OWN_ADDRESS), 0), guest = tunnel_address(value_of(tunnel, WORD_GUEST_ADDRESS), 0);
	bool is_v6 = own.any.sa_family == AF_INET6;
	if (guest.any.sa_family != own.any.sa_family)
		fail("the guest's address and ours are of two families");
	int fd = socket(own.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		fail_errno("could not make a tunnel to the guest");
	if (!is_v6)
		give_addresses_v4(fd, &interface, own, guest);
	interface.ifr_mtu = (int)parse_long(value_of(tunnel, WORD_MTU));
	set(fd, SIOCSIFMTU, &interface);
	interface.ifr_flags = IFF_UP | IFF_RUNNING;
	set(fd, SIOCSIFFLAGS, &interface);
	if (is_v6)
		give_addresses_v6(fd, own, guest);
	else
		add_routes_v4(fd, tunnel);
	close(fd);
}

/* A guest may be told another MAC address while it is visited: it has the one that it sends from. */
static void from_guest(const struct tunnel *tunnel, uint8_t *frame, uint8_t *guest)
{
	ssize_t n = read(tunnel->tap, frame, ETHER + PACKET);
	if (n <= ETHER)
		return;
	memcpy(guest, ((struct ethhdr *)frame)->h_source, ETH_ALEN);
	size_t answer = neighbour_answer(frame, (size_t)n);
	uint16_t protocol = ntohs(((struct ethhdr *)frame)->h_proto);
	if (answer)
		(void)!write(tunnel->tap, frame, answer);
	else if (protocol == ETH_P_IP || protocol == ETH_P_IPV6)
		(void)!write(tunnel->tun, frame + ETHER, (size_t)n - ETHER);
}

/* False where there was no packet. */
static bool to_guest(const struct tunnel *tunnel, uint8_t *frame, const uint8_t *guest, const struct in6_addr *own)
{
	struct ethhdr *ether = (struct ethhdr *)frame;
	uint8_t *packet = frame + ETHER;
	ssize_t n = read(tunnel->tun, packet, PACKET);
	if (n <= 0)
		return false;
	bool is_v6 = packet[0] >> 4 == 6;
	/* What the kernel says by itself on a new interface of IPv6 is not for the guest. */
	if (is_v6 && (n < 40 || memcmp(packet + 8, own, sizeof *own)))
		return true;
	memcpy(ether->h_dest, guest, 6);
	memcpy(ether->h_source, our_mac, 6);
	ether->h_proto = htons(is_v6 ? ETH_P_IPV6 : ETH_P_IP);
	(void)!write(tunnel->tap, frame, ETHER + (size_t)n);
	return true;
}

static void carry(const struct tunnel *tunnel, int tool)
{
	static uint8_t frame[ETHER + PACKET] __attribute__((aligned(4)));
	uint8_t guest[6];
	union address own = tunnel_address(value_of(tunnel, WORD_OWN_ADDRESS), 0);
	if (sscanf(value_of(tunnel, WORD_GUEST_MAC), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &guest[0], &guest[1], &guest[2], &guest[3],
		   &guest[4], &guest[5]) != 6)
		_exit(1);
	for (;;) {
		struct pollfd fds[] = { { tunnel->tun, POLLIN, 0 }, { tunnel->tap, POLLIN, 0 }, { tool, POLLIN, 0 } };
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			_exit(1);
		if (fds[0].revents)
			to_guest(tunnel, frame, guest, &own.v6.sin6_addr);
		if (fds[1].revents)
			from_guest(tunnel, frame, guest);
		if (fds[2].revents)
			break;
	}
	/* A tool that was killed leaves it to the kernel to close its connection. */
	while (poll(&(struct pollfd){ tunnel->tun, POLLIN, 0 }, 1, LAST_MS) > 0 && to_guest(tunnel, frame, guest, &own.v6.sin6_addr))
		;
	_exit(0);
}

void tunnel_run(const struct tunnel *tunnel, void (*confine)(void))
{
	int alive[2];
	if (pipe2(alive, O_CLOEXEC) < 0)
		fail_errno("could not make a pipe");
	fcntl(tunnel->tap, F_SETFL, O_NONBLOCK);
	pid_t child = fork();
	if (child < 0)
		fail_errno("could not fork");
	if (child == 0) {
		/* Nobody waits for our end: let go of the stdio and of the answer that others wait for. */
		for (int fd = 0; fd < 64; fd++)
			if (fd != tunnel->tun && fd != tunnel->tap && fd != alive[0])
				close(fd);
		confine();
		carry(tunnel, alive[0]);
	}
	/* Its other end closes with us. */
	close(alive[0]);
	close(tunnel->tun);
	close(tunnel->tap);
}

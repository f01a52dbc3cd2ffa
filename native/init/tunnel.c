#define _GNU_SOURCE
#include "exec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * The guest's address is the container's own in its network namespace, so no program there can reach the guest by it. A
 * namespace of our own has a point-to-point interface to the guest; its packets go as frames to the tap that came with the
 * directives, which the runtime has joined to the guest's.
 */
static const uint8_t OUR_MAC[ETH_ALEN] = { 0x02, 'u', 'k', 'x', 0, 1 };

static void set(int fd, unsigned long request, struct ifreq *what, const char *value)
{
	struct sockaddr_in *address = (struct sockaddr_in *)&what->ifr_addr;
	memset(&what->ifr_ifru, 0, sizeof what->ifr_ifru);
	address->sin_family = AF_INET;
	if (inet_pton(AF_INET, value, &address->sin_addr) != 1)
		fail("\"%s\" is no address", value);
	if (ioctl(fd, request, what) < 0)
		fail_errno("could not give the tunnel its address %s", value);
}

void tunnel_open(struct exec *exec)
{
	/* A tun belongs to the namespace that its device file was opened in. */
	if (unshare(CLONE_NEWNET) < 0)
		fail_errno("could not make a network namespace");
	exec->tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	strcpy(request.ifr_name, "guest");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (exec->tun < 0 || fd < 0 || ioctl(exec->tun, TUNSETIFF, &request) < 0)
		fail_errno("could not make a tunnel to the guest");
	set(fd, SIOCSIFADDR, &request, exec_word(exec, "own-address"));
	set(fd, SIOCSIFDSTADDR, &request, exec_word(exec, "guest-address"));
	request.ifr_mtu = (int)parse_long(exec_word(exec, "mtu"));
	if (ioctl(fd, SIOCSIFMTU, &request) < 0)
		fail_errno("could not set the tunnel's MTU");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		fail_errno("could not bring the tunnel up");
	close(fd);
}

struct frame {
	struct ethhdr head;
	uint8_t body[65536];
} __attribute__((packed));

struct arp {
	uint16_t hardware, protocol;
	uint8_t sizes[2];
	uint16_t operation;
	uint8_t sender_mac[ETH_ALEN], sender[4], target_mac[ETH_ALEN], target[4];
} __attribute__((packed));

/* Some guests ask for our address by ARP, others send to their gateway's MAC: each gets here. */
static void answer_arp(int tap, struct frame *frame, size_t length)
{
	enum { REQUEST = 1, REPLY = 2 };
	struct arp *arp = (struct arp *)frame->body;
	if (length < sizeof frame->head + sizeof *arp || arp->operation != htons(REQUEST))
		return;
	uint8_t ours[4];
	memcpy(ours, arp->target, sizeof ours);
	memcpy(arp->target_mac, arp->sender_mac, ETH_ALEN);
	memcpy(arp->target, arp->sender, sizeof arp->target);
	memcpy(arp->sender_mac, OUR_MAC, ETH_ALEN);
	memcpy(arp->sender, ours, sizeof ours);
	arp->operation = htons(REPLY);
	memcpy(frame->head.h_dest, frame->head.h_source, ETH_ALEN);
	memcpy(frame->head.h_source, OUR_MAC, ETH_ALEN);
	(void)!write(tap, frame, sizeof frame->head + sizeof *arp);
}

static void from_guest(const struct exec *exec, struct frame *frame)
{
	ssize_t n = read(exec->given, frame, sizeof *frame);
	if (n <= (ssize_t)sizeof frame->head)
		return;
	if (frame->head.h_proto == htons(ETH_P_ARP))
		answer_arp(exec->given, frame, (size_t)n);
	else if (frame->head.h_proto == htons(ETH_P_IP))
		(void)!write(exec->tun, frame->body, (size_t)n - sizeof frame->head);
}

static void to_guest(const struct exec *exec, struct frame *frame, const uint8_t *guest)
{
	ssize_t n = read(exec->tun, frame->body, sizeof frame->body);
	/* The tunnel has link-local traffic of IPv6 too. */
	if (n <= 0 || frame->body[0] >> 4 != 4)
		return;
	memcpy(frame->head.h_dest, guest, ETH_ALEN);
	memcpy(frame->head.h_source, OUR_MAC, ETH_ALEN);
	frame->head.h_proto = htons(ETH_P_IP);
	(void)!write(exec->given, frame, sizeof frame->head + (size_t)n);
}

static void carry(const struct exec *exec, int tool)
{
	static struct frame frame;
	uint8_t guest[ETH_ALEN];
	if (sscanf(exec_word(exec, "guest-mac"), "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &guest[0], &guest[1], &guest[2], &guest[3],
		   &guest[4], &guest[5]) != ETH_ALEN)
		_exit(1);
	for (;;) {
		struct pollfd fds[] = { { exec->tun, POLLIN, 0 }, { exec->given, POLLIN, 0 }, { tool, POLLIN, 0 } };
		if (poll(fds, 3, -1) < 0 && errno != EINTR)
			_exit(1);
		if (fds[0].revents)
			to_guest(exec, &frame, guest);
		if (fds[1].revents)
			from_guest(exec, &frame);
		if (fds[2].revents)
			_exit(0);
	}
}

void tunnel_run(const struct exec *exec)
{
	int alive[2];
	if (pipe2(alive, O_CLOEXEC) < 0)
		fail_errno("could not make a pipe");
	fcntl(exec->given, F_SETFL, O_NONBLOCK);
	pid_t child = fork();
	if (child < 0)
		fail_errno("could not fork");
	if (child == 0) {
		/* Nobody waits for our end: let go of the stdio and of the answer that others wait for. */
		close(alive[1]);
		int kept[] = { exec->tun, exec->given, alive[0] };
		for (int fd = 0; fd < 64; fd++)
			if (fd != kept[0] && fd != kept[1] && fd != kept[2])
				close(fd);
		carry(exec, alive[0]);
	}
	/* Its other end closes with us. */
	close(alive[0]);
	close(exec->tun);
	close(exec->given);
}

#define _GNU_SOURCE
#include "network/network.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Begins to listen; `link` directives name the interfaces that the guest's cards stand for. */
void links_open(struct links *links, const struct directives *d)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each)) {
		struct wired_link *link = &links->wired[links->wired_count];
		if (each.word == WORD_LINK && links->wired_count < LINK_LIMIT &&
		    sscanf(each.value, "%d %15s", &link->index, link->name) == 2)
			links->wired_count++;
	}
	links->socket = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (links->socket < 0 || bind(links->socket, (struct sockaddr *)&address, sizeof address) < 0)
		fail_errno("could not listen to changes of the network");
}

static struct wired_link *find_wired(struct links *links, int index)
{
	for (size_t i = 0; i < links->wired_count; i++)
		if (links->wired[i].index == index)
			return &links->wired[i];
	return NULL;
}

static int *find_told(struct links *links, int index)
{
	for (size_t i = 0; i < links->told_count; i++)
		if (links->told[i] == index)
			return &links->told[i];
	return NULL;
}

/* As runtime/network/taps.ts names them: they come and go beside a machine. */
static bool is_tap(const char *name)
{
	return !strncmp(name, "uk", 2) && strspn(name + 2, "0123456789abcdef") == 10 && name[12] == '-';
}

static void on_new(struct links *links, const struct ifinfomsg *info, const char *name)
{
	if (!(info->ifi_flags & IFF_UP) || info->ifi_flags & IFF_LOOPBACK || is_tap(name))
		return;
	if (find_wired(links, info->ifi_index) || find_told(links, info->ifi_index) || links->told_count == LINK_LIMIT)
		return;
	links->told[links->told_count++] = info->ifi_index;
	tell("the interface %s was connected, but this guest takes no network card while it runs: restart its container to use it",
	     name);
}

static void on_gone(struct links *links, const struct ifinfomsg *info)
{
	struct wired_link *wired = find_wired(links, info->ifi_index);
	int *told = find_told(links, info->ifi_index);
	if (wired) {
		/* By its name of before: engines rename an interface before they take it. */
		tell("the interface %s was disconnected: the guest's network card for it is without a network from now on", wired->name);
		*wired = links->wired[--links->wired_count];
	}
	if (told)
		*told = links->told[--links->told_count];
}

static void on_message(struct links *links, struct nlmsghdr *message)
{
	const struct ifinfomsg *info = NLMSG_DATA(message);
	if (message->nlmsg_len < NLMSG_LENGTH(sizeof *info))
		return;
	if (message->nlmsg_type == RTM_DELLINK)
		on_gone(links, info);
	if (message->nlmsg_type != RTM_NEWLINK)
		return;
	int length = (int)IFLA_PAYLOAD(message);
	for (struct rtattr *a = IFLA_RTA(info); RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		if (a->rta_type != IFLA_IFNAME)
			continue;
		char name[IFNAMSIZ + 1] = { 0 };
		size_t size = RTA_PAYLOAD(a);
		memcpy(name, RTA_DATA(a), size < IFNAMSIZ ? size : IFNAMSIZ);
		on_new(links, info, name);
	}
}

void links_read(struct links *links)
{
	union {
		char bytes[16384];
		struct nlmsghdr align;
	} buffer;
	/* What did not fit into the socket's buffer is lost; the next change is heard. */
	struct sockaddr_nl sender = { 0 };
	socklen_t size = sizeof sender;
	ssize_t n = recvfrom(links->socket, buffer.bytes, sizeof buffer.bytes, 0, (struct sockaddr *)&sender, &size);
	/* Whoever may open such a socket in this namespace can send to ours. */
	if (n < 0 || sender.nl_pid != 0)
		return;
	/* Signed: NLMSG_NEXT may take more than is left, as much as aligns the last one. */
	int length = (int)n;
	for (struct nlmsghdr *m = &buffer.align; NLMSG_OK(m, length); m = NLMSG_NEXT(m, length))
		on_message(links, m);
}

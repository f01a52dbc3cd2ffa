/* Messages for init's listener to links, for links.test.ts: one of the kernel's form, one that says it is longer, one by another process. */
#include "network/network.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A link that has come, its name in an attribute; returns the message's length, which is no multiple of 4. */
static size_t compose(char *message, const char *name)
{
	struct nlmsghdr *header = (struct nlmsghdr *)message;
	struct ifinfomsg *info = NLMSG_DATA(header);
	struct rtattr *attribute = IFLA_RTA(info);
	memset(message, 0, 256);
	info->ifi_index = 7000;
	info->ifi_flags = IFF_UP;
	attribute->rta_type = IFLA_IFNAME;
	attribute->rta_len = (unsigned short)RTA_LENGTH(strlen(name) + 1);
	strcpy(RTA_DATA(attribute), name);
	header->nlmsg_type = RTM_NEWLINK;
	header->nlmsg_len = (uint32_t)(NLMSG_LENGTH(sizeof *info) + attribute->rta_len);
	return header->nlmsg_len;
}

int main(void)
{
	static struct links links;
	struct directives none = { 0 };
	char message[256];
	int ends[2];

	links_open(&links, &none);
	struct sockaddr_nl listener;
	socklen_t size = sizeof listener;
	getsockname(links.socket, (struct sockaddr *)&listener, &size);
	int stranger = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	size_t length = compose(message, "strange");
	if (sendto(stranger, message, length, 0, (struct sockaddr *)&listener, sizeof listener) < 0)
		return 2;
	links_read(&links);
	close(links.socket);

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) < 0)
		return 2;
	links.socket = ends[0];
	length = compose(message, "short");
	((struct nlmsghdr *)message)->nlmsg_len = NLMSG_LENGTH(4);
	send(ends[1], message, NLMSG_LENGTH(4), 0);
	links_read(&links);
	length = compose(message, "eth77");
	send(ends[1], message, length, 0);
	links_read(&links);
	return 0;
}

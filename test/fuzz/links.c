/* What comes on init's netlink socket, in place of the kernel's messages. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <sanitizer/asan_interface.h>
#include <sys/socket.h>
#include <unistd.h>

static char *unread;
static size_t unread_size;

/* Behind what came nothing may be read. */
static ssize_t receive(int fd, void *into, size_t size, int flags, struct sockaddr *sender, socklen_t *sender_size)
{
	(void)sender, (void)sender_size;
	ssize_t n = recv(fd, into, size, flags);
	size_t there = n > 0 ? (size_t)n : 0;
	unread = (char *)into + there;
	unread_size = size - there;
	ASAN_POISON_MEMORY_REGION(unread, unread_size);
	return n;
}

#define recvfrom receive
#include "network/links.c"

void fuzz_once(struct input input)
{
	struct links links = { .wired = { { 2, "eth0" }, { 3, "eth1" } }, .wired_count = 2 };
	const uint8_t *piece;
	size_t length;
	int ends[2];
	make_pair(ends, SOCK_DGRAM);
	links.socket = ends[0];
	while (take_piece(&input, &piece, &length)) {
		(void)!send(ends[1], piece, length, 0);
		links_read(&links);
		ASAN_UNPOISON_MEMORY_REGION(unread, unread_size);
		must(links.wired_count <= LINK_LIMIT && links.told_count <= LINK_LIMIT);
	}
	close(ends[0]);
	close(ends[1]);
}

const struct seed seeds[] = {
	/* A link that came, with a name, and one that went. */
	SEED("\x2c\0\x2a\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\7\0\0\0\1\0\0\0\xff\xff\xff\xff\x0a\0\3\0eth77\0\0\0"
	     "\x20\0\x20\0\0\0\x11\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\2\0\0\0\1\0\0\0\xff\xff\xff\xff"),
	{ 0 },
};

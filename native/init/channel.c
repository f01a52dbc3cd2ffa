#define _GNU_SOURCE
#include "init.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* native/channel.ts sends: a 32-bit length with the descriptors, then that many bytes of directives. */
enum { PLAN_LIMIT = 4 << 20 };

struct channel channel_open(const char *directory)
{
	struct channel channel;
	channel.directory = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* A short relative name: the full path does not fit into sun_path. */
	if (channel.directory < 0 || fchdir(channel.directory) < 0)
		fail_errno("could not open the state folder %s", directory);
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = START_SOCKET };
	channel.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t old = umask(0177);
	if (channel.listener < 0 || bind(channel.listener, (struct sockaddr *)&address, sizeof address) < 0)
		fail_errno("could not make %s/" START_SOCKET, directory);
	umask(old);
	channel.exit = openat(channel.directory, EXIT_FILE, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (channel.exit < 0)
		fail_errno("could not make %s/" EXIT_FILE, directory);
	return channel;
}

void channel_listen(const struct channel *channel)
{
	if (listen(channel->listener, 4) < 0)
		fail_errno("could not listen on " START_SOCKET);
}

static bool read_exactly(int fd, char *into, size_t length)
{
	while (length) {
		ssize_t n = read(fd, into, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		into += n;
		length -= (size_t)n;
	}
	return true;
}

bool channel_accept(const struct channel *channel, struct plan *plan)
{
	*plan = (struct plan){ .reply = accept4(channel->listener, NULL, NULL, SOCK_CLOEXEC) };
	if (plan->reply < 0)
		return false;
	struct timeval patience = { .tv_sec = 10 };
	setsockopt(plan->reply, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(plan->reply, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	uint32_t length = 0;
	struct iovec body = { .iov_base = &length, .iov_len = sizeof length };
	union {
		char space[CMSG_SPACE(sizeof plan->fds)];
		struct cmsghdr align;
	} control;
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	ssize_t n = recvmsg(plan->reply, &message, MSG_CMSG_CLOEXEC | MSG_WAITALL);
	struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		plan->fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(plan->fds, CMSG_DATA(header), plan->fd_count * sizeof(int));
	}
	if (n == sizeof length && length <= PLAN_LIMIT && (plan->text.text = calloc(1, length + 2)) &&
	    read_exactly(plan->reply, plan->text.text, length)) {
		plan->text.length = length;
		static const enum word others_are_for[] = { WORD_RESOLVER, WORD_STAND_BY, WORD_STAND_BY_TUN, WORD_DHCP, WORD_MODULE, WORD_KEPT_MEMORY, WORD_DEVICES };
		size_t others = 0;
		for (size_t i = 0; i < sizeof others_are_for / sizeof *others_are_for; i++)
			others += directives_get(&plan->text, others_are_for[i]) != NULL;
		if (others <= plan->fd_count) {
			plan->vmm_fd_count = plan->fd_count - others;
			return true;
		}
	}
	for (size_t i = 0; i < plan->fd_count; i++)
		close(plan->fds[i]);
	free(plan->text.text);
	close(plan->reply);
	return false;
}

/* That start.sock is gone is how `state` tells running from created. Root of a user namespace can't do it: whoever called us does. */
void channel_started(struct channel *channel)
{
	renameat(channel->directory, START_SOCKET, channel->directory, CONTROL_SOCKET);
	close(channel->directory);
	channel->directory = -1;
}

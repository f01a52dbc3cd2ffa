#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A tender takes no descriptor of a disk, and makes nothing of a tap's: it opens a path for writing, whoever owns the file, and
 * /dev/net/tun. So these calls wait (filter_tender), and init answers them with what the machine's start has opened. What the tender
 * opens for reading alone, its libraries and the kernel, is in its cage.
 */

void tender_wait(int socket)
{
	char go = 0;
	ssize_t n;
	int listener = filter_tender();
	if (!send_with(socket, &(struct iovec){ &go, 1 }, 1, listener, 0))
		fail_errno("could not hand the tender's filter to init");
	close(listener);
	while ((n = read(socket, &go, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		_exit(1);
}

int tender_meet(int socket)
{
	char byte;
	struct iovec body = { &byte, 1 };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} rights;
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights };
	struct cmsghdr *header = recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!header || header->cmsg_type != SCM_RIGHTS)
		return -1;
	int listener;
	memcpy(&listener, CMSG_DATA(header), sizeof listener);
	return listener;
}

void tender_let_go(int socket)
{
	(void)!write(socket, "", 1);
}

/* The flags of a call that opens a file, -1 of any other. */
static int flags_of(const struct seccomp_data *call)
{
#ifdef SYS_open
	if (call->nr == SYS_open)
		return (int)call->args[1];
#endif
	return call->nr == SYS_openat ? (int)call->args[2] : -1;
}

/* That in the tender which is now what `fd` is here; -1 where it has ended. */
static int lend(int listener, uint64_t id, int fd)
{
	struct seccomp_notif_addfd added = { .id = id, .srcfd = (uint32_t)fd };
	return ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &added);
}

bool tender_answer(int listener, struct lending *lending)
{
	struct seccomp_notif call;
	memset(&call, 0, sizeof call);
	if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) < 0)
		return false;
	struct seccomp_notif_resp answer = { .id = call.id };
	int flags = flags_of(&call.data);
	if (flags >= 0 && flags & O_NONBLOCK && lending->tap_count) {
		/* What it asked for is told to all who have the tap. */
		fcntl(*lending->taps, F_SETFL, O_NONBLOCK);
		answer.val = lend(listener, call.id, *lending->taps++);
		lending->tap_count--;
	} else if (flags >= 0 && !(flags & O_NONBLOCK) && lending->disk_count) {
		answer.val = lend(listener, call.id, *lending->disks++);
		lending->disk_count--;
	} else if (call.data.nr != SYS_ioctl) {
		answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	}
	/* Else it makes a tap of what is one. */
	ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
	/* Without a filter it asks what the kernel can do. */
	return call.data.nr == SYS_seccomp && call.data.args[2];
}

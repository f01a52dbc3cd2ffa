/* What callers say to a running machine's init, descriptors with it, and what the VMM answers meanwhile. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "machine.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { SAY, SAY_WITH_ONE, SAY_WITH_TWO, LEAVE, VMM, LET_GO, TYPED, SHOWN, ACTS };

static struct control control;
static struct monitor monitor;
static struct console console;

long oom_kills(void)
{
	return 0;
}

bool signal_ends(int signal)
{
	return signal != 0;
}

static void say(int fd, const uint8_t *text, size_t length, size_t descriptors)
{
	int lent[2] = { 0, 0 };
	struct iovec body = { (void *)text, length };
	union {
		char space[CMSG_SPACE(sizeof lent)];
		struct cmsghdr align;
	} rights = { { 0 } };
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };
	if (descriptors) {
		message.msg_control = &rights;
		message.msg_controllen = CMSG_SPACE(descriptors * sizeof *lent);
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(descriptors * sizeof *lent);
		memcpy(CMSG_DATA(header), lent, descriptors * sizeof *lent);
	}
	(void)!sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool is_there(int fd)
{
	struct pollfd each = { fd, POLLIN, 0 };
	return fd >= 0 && poll(&each, 1, 0) > 0;
}

void fuzz_once(struct input input)
{
	struct rules rules = { .phase = "main", .code = -1 };
	int vmm[2], ends[2], peer = -1;
	const uint8_t *piece;
	size_t length;
	memset(&control, 0, sizeof control);
	control_open(&control, -1);
	make_pair(vmm, SOCK_STREAM);
	monitor.fd = vmm[0];
	monitor.state = READY;
	monitor.used = 0;
	monitor.id = 0;
	for (uint8_t what; what = take_byte(&input) % ACTS, take_piece(&input, &piece, &length);) {
		if (what <= SAY_WITH_TWO) {
			if (control.caller < 0) {
				close_one(&peer);
				make_pair(ends, SOCK_STREAM);
				control.caller = ends[0];
				control.used = 0;
				peer = ends[1];
			}
			say(peer, piece, length, what);
		} else if (what == LEAVE) {
			close_one(&peer);
		} else if (what == VMM) {
			(void)!send(vmm[1], piece, length, 0);
			monitor_read(&monitor);
			control_answer(&control, &monitor);
		} else if (what == LET_GO && control.holder >= 0) {
			control_release(&control);
		} else if (what == TYPED && is_there(control.viewer)) {
			control_typed(&control, &console);
		} else if (what == SHOWN) {
			control_show(&control, (const char *)piece, length);
		}
		for (int i = 0; i < 4 && is_there(control.caller); i++)
			control_read(&control, &monitor, &rules, false);
		control_ask(&control, &monitor);
		must(control.used < sizeof control.line);
		drain(vmm[1]);
		drain(peer);
	}
	close_one(&control.caller);
	close_one(&control.fd);
	close_one(&control.viewer);
	close_one(&control.holder);
	for (size_t i = 0; i < WATCHERS; i++)
		close_one(&control.watchers[i]);
	free(monitor.answer);
	monitor.answer = NULL;
	close_one(&peer);
	close(vmm[0]);
	close(vmm[1]);
}

const struct seed seeds[] = {
	SEED("\0\6\0phase\n\0\5\0hold\n\5\0\0\4\x18\0{\"return\": {}, \"id\": 1}\n\0\x08\0console\n\7\2\0hi\0\6\0watch\n\0\x0c\0stopping 15\n"),
	SEED("\1\x15\0{\"execute\": \"getfd\"}\n\4\x18\0{\"return\": {}, \"id\": 1}\n"),
	SEED("\2\x13\0{\"execute\": \"stop\"}\n\0\1\0x\3\0\0"),
	{ 0 },
};

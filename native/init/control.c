#define _GNU_SOURCE
#include "machine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Between two times that the machine is told to go on. */
enum { AGAIN_MS = 20 };

void control_open(struct control *control, int listener)
{
	control->listener = listener;
	control->caller = control->viewer = control->holder = control->fd = -1;
	for (size_t i = 0; i < WATCHERS; i++)
		control->watchers[i] = -1;
}

/* One caller at a time: the others wait where they connected. A caller sends a line and gets a line. */
void control_accept(struct control *control)
{
	control->caller = accept4(control->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	control->used = 0;
}

/* The connection, for another use than a question; what came with the line is for nobody. */
static int take_caller(struct control *control)
{
	int caller = control->caller;
	if (control->fd >= 0)
		close(control->fd);
	control->caller = control->fd = -1;
	control->asked = control->forwarded = false;
	return caller;
}

static void hang_up(struct control *control)
{
	close(take_caller(control));
}

/* Of several descriptors the first counts; there is room for as many as the alignment of one makes. */
static void take_descriptor(struct control *control, const struct cmsghdr *header)
{
	size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof control->fd;
	for (size_t i = 0; i < count; i++) {
		int fd;
		memcpy(&fd, CMSG_DATA(header) + i * sizeof fd, sizeof fd);
		if (control->fd < 0)
			control->fd = fd;
		else
			close(fd);
	}
}

/* What the caller says next, to the end of the line: what follows "console" is the guest's. A descriptor that comes with it is for the VMM. */
static ssize_t receive(struct control *control)
{
	struct iovec body = { control->line + control->used, sizeof control->line - 1 - control->used };
	ssize_t there = recv(control->caller, body.iov_base, body.iov_len, MSG_PEEK);
	const char *end = there > 0 ? memchr(body.iov_base, '\n', (size_t)there) : NULL;
	if (end)
		body.iov_len = (size_t)(end + 1 - (char *)body.iov_base);
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} rights;
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1, .msg_control = &rights, .msg_controllen = sizeof rights };
	ssize_t n = recvmsg(control->caller, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
		take_descriptor(control, header);
	return n;
}

static void answer_phase(struct control *control, const struct rules *rules, bool halting)
{
	dprintf(control->caller, "{\"return\": {\"phase\": \"%s\", \"code\": %d, \"halting\": %s}}\n", rules->phase,
		rules->code, halting ? "true" : "false");
	hang_up(control);
}

/* The guest is being asked to end, in the name of a signal that ends a container. */
static void answer_stopping(struct control *control)
{
	int signal = atoi(control->line + 9);
	if (signal > 0 && signal < NSIG && signal_ends(signal)) {
		control->stopping = signal;
		trace(EVENT_ASKED, signal);
	}
	dprintf(control->caller, "{\"return\": {}}\n");
	hang_up(control);
}

static void answer_stranger(struct control *control)
{
	dprintf(control->caller, "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"its init does not know this command\"}}\n");
	hang_up(control);
}

/* The one that came first goes where there are too many. */
static void watch(struct control *control)
{
	int *place = &control->watchers[control->watched++ % WATCHERS];
	if (*place >= 0)
		close(*place);
	*place = take_caller(control);
}

void control_read(struct control *control, struct monitor *monitor, const struct rules *rules, bool halting)
{
	if (control->asked) {
		/* Whoever has asked has nothing more to say that counts; when he has gone, the answer is for nobody. */
		char rest[256];
		ssize_t n = recv(control->caller, rest, sizeof rest, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			hang_up(control);
		return;
	}
	ssize_t n = receive(control);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		control->used += (size_t)n;
	control->line[control->used] = '\0';
	if (!strcmp(control->line, "console\n")) {
		if (control->viewer >= 0)
			close(control->viewer);
		control->viewer = take_caller(control);
	} else if (!strcmp(control->line, "hold\n")) {
		if (control->holder >= 0)
			close(control->holder);
		control->holder = take_caller(control);
	} else if (!strcmp(control->line, "watch\n")) {
		watch(control);
	} else if (!strncmp(control->line, "stopping ", 9) && strchr(control->line, '\n')) {
		answer_stopping(control);
	} else if (!strcmp(control->line, "phase\n")) {
		answer_phase(control, rules, halting);
	} else if (strchr(control->line, '\n') && *control->line == '{')
		control->asked = true;
	else if (strchr(control->line, '\n'))
		answer_stranger(control);
	else if (n <= 0 || control->used == sizeof control->line - 1)
		hang_up(control);
	control_ask(control, monitor);
}

void control_release(struct control *control)
{
	close(control->holder);
	control->holder = -1;
	control->released = true;
	control->release_at = 0;
}

/* Puts the caller's line to the VMM as soon as nothing of our own is being asked. */
void control_ask(struct control *control, struct monitor *monitor)
{
	if (control->released && monitor->state == READY && now_ms() >= control->release_at) {
		control->released = false;
		control->releasing = true;
		monitor_forward(monitor, "{\"execute\":\"cont\"}\n", -1);
		return;
	}
	if (control->caller >= 0 && control->asked && monitor->fd < 0) {
		dprintf(control->caller, "{\"error\": {\"desc\": \"it has no monitor, or has just ended\"}}\n");
		hang_up(control);
		return;
	}
	if (control->caller >= 0 && control->asked && monitor->state == READY) {
		control->forwarded = true;
		monitor_forward(monitor, control->line, control->fd);
	}
}

void control_answer(struct control *control, struct monitor *monitor)
{
	if (!monitor->answer)
		return;
	if (control->releasing) {
		control->releasing = false;
		/* QEMU refuses while the last of the state is being saved. */
		control->released |= monitor->refused;
		control->release_at = now_ms() + AGAIN_MS;
	} else if (control->forwarded) {
		(void)!send(control->caller, monitor->answer, strlen(monitor->answer), MSG_NOSIGNAL | MSG_DONTWAIT);
		hang_up(control);
	}
	free(monitor->answer);
	monitor->answer = NULL;
}

static void end_view(struct control *control)
{
	close(control->viewer);
	control->viewer = -1;
}

void control_show(struct control *control, const char *data, size_t length)
{
	if (control->viewer >= 0 && send(control->viewer, data, length, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
		end_view(control);
}

void control_typed(struct control *control, struct console *console)
{
	ssize_t n = recv(control->viewer, console->in, sizeof console->in, MSG_DONTWAIT);
	if (n > 0)
		console->in_used = (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		end_view(control);
}

/* Whoever is in our process namespace is killed with us: the viewer may first hear that this is the end. */
void control_end(struct control *control)
{
	enum { PATIENCE_MS = 500 };
	char line[32];
	int length = snprintf(line, sizeof line, "oom %ld\n", oom_kills());
	for (size_t i = 0; i < WATCHERS; i++)
		if (control->watchers[i] >= 0)
			(void)!send(control->watchers[i], line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (control->viewer < 0)
		return;
	shutdown(control->viewer, SHUT_WR);
	struct pollfd viewer = { control->viewer, 0, 0 };
	while (poll(&viewer, 1, PATIENCE_MS) < 0 && errno == EINTR)
		;
	end_view(control);
}

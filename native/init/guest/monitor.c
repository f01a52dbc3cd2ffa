#include "guest/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void say(struct monitor *monitor, const char *text)
{
	(void)!send(monitor->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void say_human(struct monitor *monitor, const char *command)
{
	char text[256];
	snprintf(text, sizeof text,
		 "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"%s\"}}\n", command);
	say(monitor, text);
}

/* Asks whether the vCPU has halted for good; the answer comes with monitor_read. */
void monitor_look(struct monitor *monitor)
{
	if (monitor->state != READY)
		return;
	monitor->halted = false;
	monitor->state = ASKED_REGISTERS;
	say_human(monitor, "info registers");
}

void monitor_forward(struct monitor *monitor, const char *line, int fd)
{
	struct iovec body = { .iov_base = (void *)line, .iov_len = strlen(line) };
	union {
		char space[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} rights = { { 0 } };
	struct msghdr message = { .msg_iov = &body, .msg_iovlen = 1 };
	if (fd >= 0) {
		message.msg_control = &rights;
		message.msg_controllen = sizeof rights;
		struct cmsghdr *header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &fd, sizeof fd);
	}
	monitor->state = FORWARDED;
	(void)!sendmsg(monitor->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static unsigned long hex_after(const char *line, const char *word)
{
	const char *at = strstr(line, word);
	return at ? strtoul(at + strlen(word), NULL, 16) : 0;
}

/*
 * A vCPU is halted for good when nothing can wake it (hlt with interrupts off), or when it
 * will only halt again (`1: hlt; jmp 1b`, where rip is behind the hlt: eb fd). An idle
 * kernel halts with interrupts on and has work to do behind its hlt.
 */
static void on_answer(struct monitor *monitor, const char *line)
{
	if (monitor->state == ASKED_REGISTERS) {
		monitor->state = READY;
		if (!strstr(line, "HLT=1"))
			return;
		if (!(hex_after(line, "RFL=") & 0x200)) {
			monitor->halted = true;
			return;
		}
		char command[64];
		snprintf(command, sizeof command, "x /2xb 0x%lx", hex_after(line, "RIP="));
		monitor->state = ASKED_CODE;
		say_human(monitor, command);
	} else if (monitor->state == ASKED_CODE) {
		monitor->state = READY;
		monitor->halted = strstr(line, "0xeb 0xfd") != NULL;
	}
}

static void on_line(struct monitor *monitor, const char *line)
{
	if (!strncmp(line, "{\"QMP\"", 6)) {
		monitor->state = WAITS_BOARD;
		say(monitor, "{\"execute\":\"qmp_capabilities\"}\n");
	} else if (monitor->state == WAITS_BOARD && !strncmp(line, "{\"return\"", 9)) {
		/* The greeting comes before the board is made, this from the main loop: nothing of it can fail any more. */
		monitor->state = READY;
	} else if (strstr(line, "\"event\": \"SHUTDOWN\"")) {
		monitor->reset |= strstr(line, "\"guest-reset\"") != NULL || strstr(line, "\"guest-panic\"") != NULL;
		monitor->told_to_end |= strstr(line, "\"host-signal\"") != NULL;
	} else if (monitor->state == FORWARDED && (!strncmp(line, "{\"return\"", 9) || !strncmp(line, "{\"error\"", 8))) {
		monitor->state = READY;
		free(monitor->answer);
		monitor->answer = strdup(line);
	} else if (!strncmp(line, "{\"return\": \"", 12)) {
		on_answer(monitor, line);
	}
}

bool monitor_read(struct monitor *monitor)
{
	ssize_t n = read(monitor->fd, monitor->line + monitor->used, sizeof monitor->line - 1 - monitor->used);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	monitor->used += (size_t)n;
	monitor->line[monitor->used] = '\0';
	char *start = monitor->line, *end;
	while ((end = strchr(start, '\n'))) {
		*end = '\0';
		on_line(monitor, start);
		start = end + 1;
	}
	monitor->used -= (size_t)(start - monitor->line);
	memmove(monitor->line, start, monitor->used + 1);
	/* No answer that anybody asks for is this long: drop it. */
	if (monitor->used == sizeof monitor->line - 1)
		monitor->used = 0;
	return true;
}

#include "guest/guest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Each command has an id of its own, which its answer has, too; `line` is a JSON object and a newline. */
static void say(struct monitor *monitor, const char *line, int fd)
{
	char head[32];
	int length = snprintf(head, sizeof head, "{\"id\":%lu,", ++monitor->id);
	struct iovec body[] = { { head, (size_t)length }, { (void *)(line + 1), strlen(line + 1) } };
	(void)!send_with(monitor->fd, body, 2, fd, MSG_DONTWAIT);
}

static void say_human(struct monitor *monitor, const char *command)
{
	char text[256];
	snprintf(text, sizeof text,
		 "{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"%s\"}}\n", command);
	say(monitor, text, -1);
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

/* The chipset's PM1 enable register, where firmwares place it: without its bit a press comes to nobody. */
enum { PM1_ENABLE = 0x602, PM1_BUTTON = 0x100 };

void monitor_find_button(struct monitor *monitor)
{
	char command[32];
	snprintf(command, sizeof command, "i /h 0x%x", PM1_ENABLE);
	monitor->state = ASKED_BUTTON;
	say_human(monitor, command);
}

void monitor_forward(struct monitor *monitor, const char *line, int fd)
{
	/* Before it is, since we may be held up as it is, by the container's CPU limit. */
	if (strstr(line, "\"cont\""))
		trace(EVENT_LET_GO, 0);
	monitor->state = FORWARDED;
	say(monitor, line, fd);
}

enum answer { NONE, RETURN, ERROR };

/*
 * What a line is to our last command. QMP writes the id before what else an answer has, or behind it, by version; what a text has in it
 * has its quotes escaped. A line that it can't read it refuses without an id.
 */
static enum answer answer_of(const struct monitor *monitor, const char *line)
{
	char first[32], last[32];
	size_t first_length = (size_t)snprintf(first, sizeof first, "{\"id\": %lu, ", monitor->id);
	size_t last_length = (size_t)snprintf(last, sizeof last, ", \"id\": %lu}", monitor->id);
	size_t length = strcspn(line, "\r");
	bool is_ours = !strncmp(line, first, first_length);
	const char *body = is_ours ? line + first_length : line + 1;
	is_ours |= length >= last_length && !strncmp(line + length - last_length, last, last_length);
	if (!strncmp(body, "\"return\": ", 10))
		return is_ours ? RETURN : NONE;
	if (!strncmp(body, "\"error\": ", 9))
		return is_ours || !strstr(line, "\"id\": ") ? ERROR : NONE;
	return NONE;
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
	} else if (monitor->state == ASKED_BUTTON) {
		monitor->state = READY;
		monitor->button = hex_after(line, "= 0x") & PM1_BUTTON ? BUTTON_HEARD : BUTTON_DEAF;
	} else if (monitor->state == ASKED_CODE) {
		monitor->state = READY;
		monitor->halted = strstr(line, "0xeb 0xfd") != NULL;
	}
}

static void on_line(struct monitor *monitor, const char *line)
{
	enum answer answer = answer_of(monitor, line);
	if (!strncmp(line, "{\"QMP\"", 6)) {
		monitor->state = WAITS_BOARD;
		say(monitor, "{\"execute\":\"qmp_capabilities\"}\n", -1);
	} else if (strstr(line, "\"event\": \"SHUTDOWN\"")) {
		monitor->reset |= strstr(line, "\"guest-reset\"") != NULL || strstr(line, "\"guest-panic\"") != NULL;
		if (monitor->reset)
			trace(EVENT_RESET, 0);
		monitor->told_to_end |= strstr(line, "\"host-signal\"") != NULL;
	} else if (monitor->state == WAITS_BOARD && answer == RETURN) {
		/* The greeting comes before the board is made, this from the main loop: nothing of it can fail any more. */
		monitor->state = READY;
		trace(EVENT_BOARD, 0);
	} else if (monitor->state == FORWARDED && answer) {
		monitor->state = READY;
		free(monitor->answer);
		monitor->answer = strdup(line);
		monitor->refused = answer == ERROR;
	} else if (answer) {
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

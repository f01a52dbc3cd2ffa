#include "guest/guest.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool console_pending(const struct console *console)
{
	return console->out_used > console->out_sent && !console->output_gone;
}

static void emit(struct console *console, char byte)
{
	console->out[console->out_used++] = byte;
}

static enum verdict hear(struct console *console, struct rules *rules, char byte)
{
	if (byte != '\n') {
		/* A longer line is none of the kernel's. */
		if (console->line_used < CONSOLE_LINE)
			console->line[console->line_used++] = byte;
		return GOES_ON;
	}
	bool whole = console->line_used < CONSOLE_LINE;
	console->line[whole ? console->line_used : 0] = '\0';
	console->line_used = 0;
	return whole && !memchr(console->line, '\r', strlen(console->line)) ? rules_line(rules, console->line) : GOES_ON;
}

enum verdict console_from_guest(struct console *console, struct rules *rules, bool *spoke)
{
	char chunk[CONSOLE_CHUNK];
	enum verdict verdict = GOES_ON;
	ssize_t n = read(console->guest, chunk, sizeof chunk);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return GOES_ON;
	if (n <= 0) {
		console->guest_gone = true;
		if (console->held_return && !console_pending(console)) {
			console->out_used = console->out_sent = 0;
			emit(console, '\r');
		}
		return GOES_ON;
	}
	*spoke = true;
	console->out_used = console->out_sent = 0;
	for (ssize_t i = 0; i < n; i++) {
		/* A serial line ends its lines with \r\n, a container with \n. */
		if (chunk[i] == '\r' && !console->held_return) {
			console->held_return = true;
			continue;
		}
		if (console->held_return && chunk[i] != '\n') {
			emit(console, '\r');
			hear(console, rules, '\r');
		}
		console->held_return = chunk[i] == '\r';
		if (console->held_return)
			continue;
		emit(console, chunk[i]);
		/* What is said after last words takes them back, but not an end. */
		if (verdict != ENDS)
			verdict = hear(console, rules, chunk[i]);
	}
	return verdict;
}

void console_to_output(struct console *console)
{
	size_t left = console->out_used - console->out_sent;
	ssize_t n = write(1, console->out + console->out_sent, left < CONSOLE_CHUNK ? left : CONSOLE_CHUNK);
	if (n > 0)
		console->out_sent += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		console->output_gone = true;
}

void console_from_input(struct console *console)
{
	ssize_t n = read(0, console->in, sizeof console->in);
	if (n > 0)
		console->in_used = (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		console->input_gone = true;
}

void console_to_guest(struct console *console)
{
	ssize_t n = send(console->guest, console->in, console->in_used, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			console->in_used = 0;
		return;
	}
	console->in_used -= (size_t)n;
	memmove(console->in, console->in + n, console->in_used);
}

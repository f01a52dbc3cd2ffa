/* The guest's serial console on its way to the container's stdout, and stdin on its way to the guest. */
#ifndef UNIKRUN_CONSOLE_H
#define UNIKRUN_CONSOLE_H

#include "init.h"

enum { CONSOLE_CHUNK = 4096, CONSOLE_LINE = 512 };

struct console {
	int guest; /* the other end of the guest's serial line, non-blocking */
	char out[CONSOLE_CHUNK * 2];
	size_t out_used, out_sent;
	char in[CONSOLE_CHUNK];
	size_t in_used;
	char line[CONSOLE_LINE];
	size_t line_used;
	bool held_return, guest_gone, input_gone, output_gone;
};
/* Reads once from the guest; HALTS or ENDS when a whole line was one of the kernel's last words. */
enum verdict console_from_guest(struct console *console, struct rules *rules, bool *spoke);
void console_to_output(struct console *console);
void console_from_input(struct console *console);
void console_to_guest(struct console *console);
bool console_pending(const struct console *console);

#endif

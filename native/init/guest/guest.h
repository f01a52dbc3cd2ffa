/* The guest: what it is given in its memory, what it says on its console, and what its VMM says of it. */
#ifndef UNIKRUN_GUEST_H
#define UNIKRUN_GUEST_H

#include "init.h"

/* guest_memory.c */
/* Copies the kernel into the guest's memory, the file of that name, and says there where it begins. */
void load_kernel(const struct directives *d, const char *file, int kernel);
/* Puts the guest's command line where its firmware looks for it; we are in the cage. */
void write_command_line(const char *text);
/* Copies a module of that place and size into the guest's memory, and says there where it is; we are in the cage. */
void write_module(int module, const char *value);
/* Makes the guest's memory, in which nothing was written yet, that of a guest that was kept; we are in the cage. */
void copy_memory(int from);

/* rules.c: the guest's words on its console that say how it ended. */
struct rule {
	const char *phase, *next, *code, *line, *say;
	bool halts;
};
struct rules {
	struct rule rule[32];
	size_t count;
	char phase[16];
	int code; /* -1 as long as no rule has given one */
	const char *remark; /* of the last rule that has one */
};
enum verdict { GOES_ON, HALTS, ENDS };
void rules_load(struct rules *rules, const struct directives *d);
enum verdict rules_line(struct rules *rules, const char *line);

/* debug_port.c: what the guest said by QEMU's isa-debug-exit when it ended its machine. */
struct debug_codes {
	struct { int value, code, least; } each[8]; /* -1 as a value is any; a code may be one of these: */
	size_t count;
};
enum { CODE_IS_VALUE = -1, CODE_WAS_SAID = -2 };
void debug_codes_load(struct debug_codes *codes, const struct directives *d);
/* The exit code for what QEMU's exit status says; `said` is that of the rules, -1 for none. -1 where nothing of that is in it. */
int debug_code(const struct debug_codes *codes, int status, int said);

/* monitor.c: the little of QMP that init speaks. */
enum monitor_state { WAITS_GREETING, WAITS_BOARD, READY, ASKED_REGISTERS, ASKED_CODE, ASKED_BUTTON, FORWARDED };
struct monitor {
	int fd;
	enum monitor_state state;
	char line[65536];
	size_t used;
	unsigned long id; /* of the last command */
	char *answer; /* to what was forwarded, until somebody takes it */
	bool refused; /* which it is by that answer */
	enum { BUTTON_UNKNOWN, BUTTON_DEAF, BUTTON_HEARD } button; /* whether the guest hears its power button */
	bool halted; /* the last look at the vCPU found it halted for good */
	bool reset; /* the guest reset its machine, or panicked */
	bool told_to_end; /* by a signal */
};
void monitor_look(struct monitor *monitor);
/* Asks whether the guest hears its power button; the answer comes with monitor_read. */
void monitor_find_button(struct monitor *monitor);
/* Sends a caller's command, a JSON object without an id and a newline, and a descriptor that belongs to it (-1: none); `answer` becomes what comes back. */
void monitor_forward(struct monitor *monitor, const char *line, int fd);
/* Reads what is there; false at end of file. */
bool monitor_read(struct monitor *monitor);

/* console.c: the guest's serial console on its way to the container's stdout, and stdin on its way to the guest. */
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

/* The container's init: what stands in a unikernel's container where runc would have the program. */
#ifndef UNIKRUN_INIT_H
#define UNIKRUN_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Directives: NUL-terminated "key" "value" pairs, as native/directives.ts encodes them. */
struct directives {
	char *text;
	size_t length;
};
struct directive {
	const char *key, *value;
};
struct directives directives_read(int fd);
/* Steps through all directives; *cursor starts at 0. */
bool directives_next(const struct directives *d, size_t *cursor, struct directive *out);
/* The first value of key, or NULL. */
const char *directives_get(const struct directives *d, const char *key);

/* fail.c: one sentence to whoever waits for us, then exit. */
void fail_to(int fd);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void fail_errno(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* One line of our own in the container's log. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* io.c */
bool write_all(int fd, const void *data, size_t length);
void write_file(const char *path, const char *text);
long parse_long(const char *text);
/* On a clock that only goes forward. */
long now_ms(void);

/* namespaces.c */
void join_cgroups(const struct directives *d);
void join_namespaces(const struct directives *d);
void new_namespaces(const struct directives *d);
int enter_main(int argc, char **argv);

/* main.c */
int report_child(pid_t child, int ready, int answer, bool wait);

/* exec.c */
int exec_main(void);

/* trial.c */
int trial_main(void);

/* terminal.c */
int connect_by_path(const char *path);
void open_terminal(int console_socket, const char *size);

/* channel.c */
struct channel {
	int listener; /* start.sock, and control.sock once the machine runs */
	int directory; /* the container's state directory */
};
struct channel channel_open(const char *directory);
struct plan {
	struct directives text;
	int fds[64];
	size_t fd_count, vmm_fd_count; /* the first are the VMM's */
	int reply;
};
/* Takes one plan; false when the peer was not a whole one and nothing was taken. */
bool channel_accept(const struct channel *channel, struct plan *plan);
void channel_started(struct channel *channel);

/* cage.c, confine.c */
void build_cage(const struct directives *d);
void lift_limits(void);
void confine(const struct directives *d);
void confine_init(void);

/* label.c; proc: a descriptor of /proc, which the cage lacks. */
/* For what this process executes. Fails where there is no such label. */
void label_at_exec(const struct directives *d, int proc);
/* For this process itself, where the host's policy allows that. */
void label_at_once(const struct directives *d, int proc);

/* seccomp.c: the last step of confinement. */
void filter_init(void);
void filter_tool(void);

/* vmm.c */
struct vmm {
	pid_t pid;
	int console, qmp, errors;
	int status; /* what went wrong before it was executed, as fail() says it */
};
/* Starts a process that builds the cage, confines itself and becomes the VMM. */
struct vmm vmm_launch(const struct directives *d);
/* Of one that has ended: fails with what it said if it never became the VMM. */
void vmm_complain(const struct vmm *vmm);

/* guest_memory.c */
/* Copies the kernel into the guest's memory, the file of that name, and says there where it begins. */
void load_kernel(const struct directives *d, const char *file, int kernel);
/* Puts the guest's command line where its firmware looks for it; we are in the cage. */
void write_command_line(const char *text);

/* rules.c: the guest's words on its console that say how it ended. */
struct rule {
	const char *phase, *next, *code, *line;
	bool halts;
};
struct rules {
	struct rule rule[32];
	size_t count;
	char phase[16];
	int code; /* -1 as long as no rule has given one */
};
enum verdict { GOES_ON, HALTS, ENDS };
void rules_load(struct rules *rules, const struct directives *d);
enum verdict rules_line(struct rules *rules, const char *line);

/* monitor.c: the little of QMP that init speaks. */
enum monitor_state { WAITS_GREETING, WAITS_BOARD, READY, ASKED_REGISTERS, ASKED_CODE, FORWARDED };
struct monitor {
	int fd;
	enum monitor_state state;
	char line[65536];
	size_t used;
	char *answer; /* to what was forwarded, until somebody takes it */
	bool halted; /* the last look at the vCPU found it halted for good */
	bool reset; /* the guest reset its machine, or panicked */
	bool told_to_end; /* by a signal */
};
void monitor_look(struct monitor *monitor);
/* Sends a caller's command, and a descriptor that belongs to it (-1: none); `answer` becomes what comes back. */
void monitor_forward(struct monitor *monitor, const char *line, int fd);
/* Reads what is there; false at end of file. */
bool monitor_read(struct monitor *monitor);

/* start.c */
/* Waits for the plans of the board and of the start, runs the machine, and returns the container's exit code. */
int live(struct channel *channel, int signals);

#endif

/*
 * The container's init: what stands in a unikernel's container where runc would have the program. Here is what all of it may call; it
 * calls nobody. Each folder has a header of its own, with what others may call there:
 *
 *	main.c, trial.c and check.c with their watch.c, and start.c with its tender.c, relay.c, supervise.c, control.c and ending.c (machine.h)
 *	exec/		what `unikrun exec` runs beside a machine, on its own
 *	cage/		namespaces and confinement, and the VMM in them
 *	guest/		the guest's memory, console, words and monitor
 *	network/	name server, interfaces, and the way of exec's tools to the guest
 *
 * A line calls what is below it, never what is above.
 */
#ifndef UNIKRUN_INIT_H
#define UNIKRUN_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "words.h"

/* Directives: NUL-terminated "word" "value" pairs, as native/directives.ts encodes them; the words are those of words.json. */
struct directives {
	char *text;
	size_t length;
};
struct directive {
	enum word word;
	const char *value;
};
struct directives directives_read(int fd);
/* Fails where there is a word that none of these plans (PLAN_CREATE | ...) has. */
void directives_check(const struct directives *d, unsigned plans);
/* Steps through all directives; *cursor starts at 0. */
bool directives_next(const struct directives *d, size_t *cursor, struct directive *out);
/* The first value of the word, or NULL. */
const char *directives_get(const struct directives *d, enum word word);

/* fail.c: one sentence to whoever waits for us, then exit. */
void fail_to(int fd);
void fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void fail_errno(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* One line of our own in the container's log. */
void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* io.c */
bool write_all(int fd, const void *data, size_t length);
/* The pieces of one message, and a descriptor that goes with it (-1: none). */
bool send_with(int socket, const struct iovec *pieces, size_t count, int fd, int flags);
void write_file(const char *path, const char *text);
/* From `offset` of one file to where the other stands; NULL, or why not. */
const char *copy_bytes(int to, int from, off_t offset, off_t size);
long parse_long(const char *text);
/* So many bytes of as many pairs of hexadecimal digits. */
bool read_hex(uint8_t *into, const char *digits, size_t length);
/* On a clock that only goes forward. */
long now_ms(void);
/* The earlier of two times; the first is -1 where there is none yet. */
long sooner(long until, long at);

/* oom.c: how many processes of the container's cgroup the kernel has killed for its memory; 0 where it does not say. */
void oom_open(const struct directives *d);
long oom_kills(void);

/* trace.c */
void trace_open(int directory, const struct directives *d);
/* Whose CPU time is noted from now on. */
void trace_vmm(pid_t pid);
/* What `value` is: words.json. */
void trace(enum event event, long value);
void trace_gone(int status, const struct rusage *used);

/* child.c */
/* From now on this process is killed when its parent ends, which may have happened already: then it ends at once. */
void end_with(pid_t parent);
/* The same, where a pid would not tell, as from another pid namespace: the parent holds the only other end of the pipe `alive`. */
void end_with_parent(int alive);
/* Answers with the pid of a child that says "ok", or with what it says instead; with `wait` returns its exit code at its end. */
int report_child(pid_t child, int ready, int answer, bool wait);

/* terminal.c */
int connect_by_path(const char *path);
void open_terminal(int console_socket, const char *size, bool patient);

/* channel.c */
struct channel {
	int listener; /* start.sock, and control.sock once the machine runs */
	int directory; /* the container's state directory */
	int exit; /* its file there for the exit code, which nothing could be opened for any more when that is known */
};
struct channel channel_open(const char *directory);
/* By who answers, since that is whose the socket is to others (SO_PEERCRED). */
void channel_listen(const struct channel *channel);
struct plan {
	struct directives text;
	int fds[64];
	size_t fd_count, vmm_fd_count; /* the first are the VMM's */
	int reply;
};
/* Takes one plan; false when the peer was not a whole one and nothing was taken. */
bool channel_accept(const struct channel *channel, struct plan *plan);
void channel_started(struct channel *channel);

#endif

/*
 * `state ID`, `kill ID SIGNAL` and `delete [--force] ID` as engines call them, for a container whose brief
 * (runtime/container/record/brief.ts) says that there is no more to it: done before Bun starts, which takes longer than all the rest of
 * such a call. Whatever else is asked, or does not go as it should, is left to runtime/cli/{state,kill,delete}.ts, which find
 * nothing half done that they would not do again. test/conformance/quick.test.ts runs the rules of both over the same cases.
 */
#include "system.h"

#include <asm/signal.h>
#include <fcntl.h>
#include <linux/errno.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define BRIEF_SIZE 65536

struct request {
	const char *root, *id, *signal;
};

/* brief.ts has the lines; all but `folders` end with NUL, and that is the first of several, each followed by the next. */
struct brief {
	char *pid, *start_time, *thaw_file, *thaw_value, *frozen_file, *frozen_line, *before_pid, *after_status, *folders;
};

static int is(const char *text, const char *other)
{
	for (; *text && *text == *other; text++)
		other++;
	return *text == *other;
}

/* The number that `text` is; -1 where it is none, or has more than nine digits. */
static long number_of(const char *text)
{
	long number = 0;
	const char *digit = text;
	for (; *digit >= '0' && *digit <= '9' && digit - text < 9; digit++)
		number = number * 10 + (*digit - '0');
	return *digit || digit == text ? -1 : number;
}

/* False where it is too long. */
static int join(char path[PATH_SIZE], const char *const *parts)
{
	int length = 0;
	for (; *parts; parts++)
		for (const char *at = *parts; *at; at++) {
			if (length == PATH_SIZE - 1)
				return 0;
			path[length++] = *at;
		}
	path[length] = 0;
	return 1;
}

/* Reads a file of less than `size` bytes, and ends it with NUL; negative where there is none, or a longer one. */
static long read_file(const char *path, char *data, long size)
{
	long fd = call(__NR_open, (long)path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	long used = call(__NR_read, fd, (long)data, size);
	call(__NR_close, fd, 0, 0);
	if (used < 0 || used == size)
		return -EFBIG;
	data[used] = 0;
	return used;
}

/* A line of the brief, which ends with NUL from now on; 0 where there is none. */
static char *next_line(char **rest)
{
	char *line = *rest;
	for (char *at = line; *at; at++)
		if (*at == '\n') {
			*at = 0;
			*rest = at + 1;
			return line;
		}
	return 0;
}

static int read_brief(const struct request *request, char *data, struct brief *brief)
{
	char path[PATH_SIZE];
	const char *parts[] = {request->root, "/", request->id, "/brief", 0};
	long used = join(path, parts) ? read_file(path, data, BRIEF_SIZE) : -1;
	/* What was cut off by a crash has not this end. */
	if (used < 5 || !is(data + used - 5, "\nend\n"))
		return 0;
	data[used - 4] = 0;
	char **lines[] = {&brief->pid,	       &brief->start_time,  &brief->thaw_file,	&brief->thaw_value,
			  &brief->frozen_file, &brief->frozen_line, &brief->before_pid, &brief->after_status};
	brief->folders = data;
	for (unsigned long i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!(*lines[i] = next_line(&brief->folders)))
			return 0;
	return number_of(brief->pid) > 1;
}

/* As isAlive() of runtime/container/record/alive.ts: a pid that is another process's now does not count, nor does a zombie. */
static int is_alive(const struct brief *brief)
{
	char path[PATH_SIZE], stat[1024];
	const char *parts[] = {"/proc/", brief->pid, "/stat", 0};
	if (!join(path, parts) || read_file(path, stat, sizeof(stat)) < 0)
		return 0;
	/* proc(5): the command's name, in parentheses, may have anything in it; its state follows, and 19 fields on its start. */
	char *field = stat;
	for (char *at = stat; *at; at++)
		if (*at == ')')
			field = at;
	if (!field[0] || !field[1] || field[2] == 'Z' || field[2] == 'X')
		return 0;
	for (int spaces = 0; *field && spaces < 20; field++)
		spaces += *field == ' ';
	const char *wanted = brief->start_time;
	for (; *wanted && *wanted == *field; wanted++)
		field++;
	return !*wanted && *field == ' ';
}

/* As statusOf() there; 0 where it can't be told. */
static const char *status_of(const struct request *request, const struct brief *brief)
{
	char path[PATH_SIZE], text[PATH_SIZE];
	const char *parts[] = {request->root, "/", request->id, "/start.sock", 0};
	if (!is_alive(brief))
		return "stopped";
	if (!join(path, parts))
		return 0;
	if (call(__NR_access, (long)path, F_OK, 0) == 0)
		return "created";
	const char *mark[] = {request->root, "/", request->id, "/still", 0};
	if (!join(path, mark))
		return 0;
	if (call(__NR_access, (long)path, F_OK, 0) == 0)
		return "paused";
	long used = read_file(brief->frozen_file, text, sizeof(text));
	if (used < 0)
		return used == -ENOENT ? "running" : 0;
	char *rest = text;
	for (char *line; (line = next_line(&rest));)
		if (is(line, brief->frozen_line))
			return "paused";
	return "running";
}

static int quick_state(const struct request *request, const struct brief *brief)
{
	const char *status = status_of(request, brief);
	if (!status)
		return 0;
	const char *pid = is(status, "stopped") ? "0" : brief->pid;
	const char *parts[] = {brief->before_pid, pid, ",\n  \"status\": \"", status, brief->after_status, "\n", 0};
	char text[BRIEF_SIZE + PATH_SIZE];
	long length = 0, written;
	for (const char **part = parts; *part; part++)
		for (const char *at = *part; *at; at++)
			text[length++] = *at == 1 ? '\n' : *at;
	for (long done = 0; done < length; done += written) {
		written = call(__NR_write, 1, (long)(text + done), length - done);
		if (written <= 0)
			return 0;
	}
	return 1;
}

static long signal_of(const char *name)
{
	if (is(name, "KILL") || is(name, "SIGKILL"))
		return SIGKILL;
	if (is(name, "TERM") || is(name, "SIGTERM"))
		return SIGTERM;
	long number = number_of(name);
	return number <= 64 ? number : -1;
}

static int quick_kill(const struct request *request, const struct brief *brief)
{
	long signal = signal_of(request->signal), thaw = -1;
	char path[PATH_SIZE];
	const char *askable[] = {request->root, "/", request->id, "/askable", 0};
	/* Its guest is asked first (life/ask-guest.ts). */
	if (!join(path, askable) || call(__NR_access, (long)path, F_OK, 0) != -ENOENT)
		return 0;
	/* By a descriptor, behind which there is no other process when this one dies after it was looked at. */
	long init = signal < 1 ? -1 : call(__NR_pidfd_open, number_of(brief->pid), 0, 0);
	if (init < 0 || !is_alive(brief))
		return 0;
	/* What version 1 has frozen dies only when it thaws. */
	if (signal == SIGKILL)
		thaw = call(__NR_open, (long)brief->thaw_file, O_WRONLY | O_CLOEXEC, 0);
	if (signal == SIGKILL && thaw < 0 && thaw != -ENOENT)
		return 0;
	if (call_more(__NR_pidfd_send_signal, init, signal, 0, 0, 0) < 0)
		return 0;
	long length = 0;
	while (brief->thaw_value[length])
		length++;
	if (thaw >= 0)
		call(__NR_write, thaw, (long)brief->thaw_value, length);
	return 1;
}

/* Removes the files in a container's folder, and the folder. */
static int forget(const struct request *request)
{
	struct entry {
		unsigned long inode, offset;
		unsigned short size;
		unsigned char type;
		char name[];
	};
	char path[PATH_SIZE], entries[PATH_SIZE] __attribute__((aligned(8)));
	const char *parts[] = {request->root, "/", request->id, 0};
	if (!join(path, parts))
		return 0;
	long folder = call(__NR_open, (long)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0), used;
	while ((used = call(__NR_getdents64, folder, (long)entries, sizeof(entries))) > 0)
		for (long at = 0; at < used; at += ((struct entry *)(entries + at))->size) {
			const char *name = ((struct entry *)(entries + at))->name;
			if (!is(name, ".") && !is(name, "..") && call(__NR_unlinkat, folder, (long)name, 0) < 0)
				return 0;
		}
	return used == 0 && call(__NR_rmdir, (long)path, 0, 0) == 0;
}

static int quick_delete(const struct request *request, struct brief *brief)
{
	if (!*brief->folders || is_alive(brief))
		return 0;
	for (char *folder; (folder = next_line(&brief->folders));) {
		long result = call(__NR_rmdir, (long)folder, 0, 0);
		if (result < 0 && result != -ENOENT)
			return 0;
	}
	return forget(request);
}

/* isId() of runtime/container/record/id.ts; what begins with a dash is a flag. */
static int is_id(const char *id)
{
	int length = 0;
	for (; id[length]; length++) {
		char letter = id[length] & ~0x20, other = id[length];
		int is_fine = (letter >= 'A' && letter <= 'Z') || (other >= '0' && other <= '9') || other == '_' ||
			      other == '+' || other == '-' || other == '.';
		if (!is_fine)
			return 0;
	}
	return length > 0 && length < 256 && id[0] != '-' && !is(id, ".") && !is(id, "..");
}

/* The folder of all containers where the caller names none; 0 where that depends on who calls (defaultRoot()). */
static const char *default_root(char **variables)
{
	for (; *variables; variables++) {
		const char *name = "XDG_RUNTIME_DIR=", *at = *variables;
		for (; *name && *name == *at; name++)
			at++;
		if (!*name)
			return 0;
	}
	return "/run/unikrun";
}

/* The flags before the verb, as far as they change nothing of what is done here; 0 where there are others. */
static char **read_globals(char **argument, struct request *request)
{
	for (; *argument && **argument == '-'; argument++) {
		if (is(*argument, "--systemd-cgroup"))
			continue;
		const char *flag = *argument++, *value = *argument;
		if (!value)
			return 0;
		if (is(flag, "--root"))
			request->root = value;
		else if (is(flag, "--log-format") ? !is(value, "json") && !is(value, "text") : !is(flag, "--log"))
			return 0;
	}
	return argument;
}

void try_quick(char **arguments, char **variables)
{
	struct request request = {default_root(variables), 0, 0};
	struct brief brief;
	char data[BRIEF_SIZE], **verb = read_globals(arguments, &request);
	if (!verb || !verb[0] || !verb[1] || !request.root || request.root[0] != '/')
		return;
	int is_kill = is(verb[0], "kill"), is_delete = is(verb[0], "delete");
	if (!is_kill && !is_delete && !is(verb[0], "state"))
		return;
	char **words = verb + (is_delete && is(verb[1], "--force") ? 2 : 1);
	request.id = words[0];
	request.signal = is_kill ? words[1] : 0;
	if (!request.id || !is_id(request.id) || (is_kill && !request.signal) || words[is_kill ? 2 : 1])
		return;
	if (!read_brief(&request, data, &brief))
		return;
	int is_done = is_kill	  ? quick_kill(&request, &brief)
		      : is_delete ? quick_delete(&request, &brief)
				  : quick_state(&request, &brief);
	if (is_done)
		call(__NR_exit_group, 0, 0, 0);
}

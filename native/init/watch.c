#define _GNU_SOURCE
#include "watch.h"
#include "cage/cage.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5 };

struct words {
	char text[1024];
	size_t used;
	bool last;
};

static long number_of(const struct directives *d, enum word word, const char *what)
{
	const char *value = directives_get(d, word);
	if (!value)
		fail("there is no %s", what);
	return parse_long(value);
}

struct directives watch_begin(unsigned plans)
{
	fail_to(ANSWER_FD);
	struct directives d = directives_read(DIRECTIVES_FD);
	directives_check(&d, plans);
	end_with((pid_t)number_of(&d, WORD_WAIT, "process that waits"));
	return d;
}

/* Milliseconds of all its threads, in user mode, the kernel and its guest. */
static long cpu_ms(pid_t pid)
{
	clockid_t clock;
	struct timespec used = { 0, 0 };
	if (clock_getcpuclockid(pid, &clock) == 0)
		clock_gettime(clock, &used);
	return used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void keep(struct words *words, const char *piece, size_t length)
{
	size_t room = sizeof words->text - 1 - words->used;
	if (length > room && words->last) {
		size_t lost = length - room;
		memmove(words->text, words->text + lost, words->used - lost);
		words->used -= lost;
		room = length;
	}
	size_t kept = length < room ? length : room;
	memcpy(words->text + words->used, piece, kept);
	words->used += kept;
}

/* False at its end, or when there is no more for now. */
static bool hear(int errors, struct words *words)
{
	char piece[sizeof words->text / 2];
	ssize_t n = read(errors, piece, sizeof piece);
	keep(words, piece, n < 0 ? 0 : (size_t)n);
	return n > 0;
}

/* Its words until it ends, or has had its time; says which. It may go on when it has nothing more to say. */
static const char *listen_to(const struct vmm *vmm, long cpu_limit, long deadline, struct words *words)
{
	int process = (int)syscall(SYS_pidfd_open, vmm->pid, 0);
	if (process < 0)
		fail_errno("could not watch what was started");
	struct pollfd fds[] = { { process, POLLIN, 0 }, { vmm->errors, POLLIN, 0 } };
	const char *end = NULL;
	while (!end) {
		if (poll(fds, 2, LOOK_MS) > 0 && fds[1].revents && !hear(vmm->errors, words) && !(fds[1].revents & POLLIN))
			fds[1].fd = -1;
		if (fds[0].revents)
			end = "ended";
		else if (cpu_ms(vmm->pid) >= cpu_limit)
			end = "slow";
		else if (now_ms() >= deadline)
			end = "late";
	}
	while (!strcmp(end, "ended") && hear(vmm->errors, words))
		;
	close(process);
	return end;
}

int watch_end(const struct vmm *vmm, const struct directives *d, bool last)
{
	long cpu_limit = number_of(d, WORD_CPU_LIMIT, "limit of CPU time"), deadline = now_ms() + number_of(d, WORD_WALL_LIMIT, "limit of time");
	struct words words = { .last = last };
	const char *end = listen_to(vmm, cpu_limit, deadline, &words);
	if (strcmp(end, "ended"))
		kill(vmm->pid, SIGKILL);
	int status;
	struct rusage usage;
	while (wait4(vmm->pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			fail_errno("could not wait for what is watched");
	vmm_complain(vmm);
	long used = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
	/* The kernel's own limit is a second later, but on a busy host we look later still, and it counts in ticks, which may be too many. */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && !strcmp(end, "ended") && used / 1000 >= cpu_limit / 2)
		end = "slow";
	dprintf(ANSWER_FD, "%s %d %ld\n%s", end,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), used, words.text);
	return 0;
}

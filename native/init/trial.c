#define _GNU_SOURCE
#include "cage/cage.h"
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_MS = 5 };

static long limit_of(const struct directives *d, enum word word)
{
	const char *value = directives_get(d, word);
	if (!value)
		fail("the trial has no limit");
	return parse_long(value);
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

/* Its words until it ends, or has had its time; says which. */
static const char *listen(const struct vmm *vmm, long cpu_limit, long deadline, char *words, size_t room)
{
	size_t used = 0;
	for (;;) {
		struct pollfd errors = { vmm->errors, POLLIN, 0 };
		if (poll(&errors, 1, LOOK_MS) > 0) {
			char piece[512];
			ssize_t n = read(vmm->errors, piece, sizeof piece);
			if (n == 0)
				return "ended";
			size_t kept = n < 0 ? 0 : (size_t)n < room - used ? (size_t)n : room - used;
			memcpy(words + used, piece, kept);
			used += kept;
		}
		if (cpu_ms(vmm->pid) >= cpu_limit)
			return "slow";
		if (now_ms() >= deadline)
			return "late";
	}
}

/*
 * `init trial`: runs a plan's VMM as a machine's is run, in a cage, until it ends or has had `cpu-limit` milliseconds of CPU time or
 * `wall-limit` of any. Answers "ended", "slow" or "late", its exit code, microseconds of CPU time, and on the next lines what it said.
 */
int trial_main(void)
{
	fail_to(ANSWER_FD);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct plan plan = { .text = directives_read(DIRECTIVES_FD) };
	directives_check(&plan.text, PLAN_BOARD | PLAN_TRIAL);
	long cpu_limit = limit_of(&plan.text, WORD_CPU_LIMIT), deadline = now_ms() + limit_of(&plan.text, WORD_WALL_LIMIT);
	struct vmm vmm = vmm_launch(&plan.text);
	char words[1024] = "";
	const char *end = listen(&vmm, cpu_limit, deadline, words, sizeof words - 1);
	if (strcmp(end, "ended"))
		kill(vmm.pid, SIGKILL);
	int status;
	struct rusage usage;
	while (wait4(vmm.pid, &status, 0, &usage) < 0)
		if (errno != EINTR)
			fail_errno("could not wait for the trial's VMM");
	vmm_complain(&vmm);
	long used = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
	dprintf(ANSWER_FD, "%s %d %ld\n%s", end,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), used, words);
	return 0;
}

#define _GNU_SOURCE
#include "machine.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

int exit_code(struct machine *m)
{
	if (m->ended)
		return m->rules.code < 0 ? 1 : m->rules.code;
	if (m->stop_signal)
		return 128 + m->stop_signal;
	if (m->monitor.reset) {
		tell("the guest reset its machine, as after a fault that it could not handle");
		return 139;
	}
	if (WIFSIGNALED(m->status)) {
		tell("the VMM was killed by signal %d (%s)", WTERMSIG(m->status),
		     WTERMSIG(m->status) == SIGKILL ? "as by a memory limit or a person" : strsignal(WTERMSIG(m->status)));
		return 128 + WTERMSIG(m->status);
	}
	if (WEXITSTATUS(m->status)) {
		tell("the VMM ended by itself: %s", m->words_used ? m->words : "it said nothing");
		return 125;
	}
	return m->rules.code < 0 ? 0 : m->rules.code;
}

#define _GNU_SOURCE
/*
 * How a machine has ended, as the container's exit code (docs/guests.md). The first that fits counts:
 *
 *	the guest was asked to end in the name of a signal	128 + n
 *	the guest's own last words, and its halted vCPU		what their rule says (guest/rules.c), else 1
 *	a signal to the container				128 + n, or what the guest says that heard of it by its button
 *	the guest wrote to its debug port			what its family makes of that (guest/debug_port.c)
 *	the guest reset its machine				139, or as if it had switched it off, by its family
 *	the VMM crashed						125
 *	the VMM was killed					128 + SIGKILL
 *	the VMM ended with an error				125
 *	the VMM was told to end by somebody else's signal	128 + SIGTERM
 *	the guest switched its machine off			what a rule has said before, else 0
 *
 * Of a tender's guest: tender.c.
 */
#include "machine.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { OF_SIGNAL = 128, OF_FAULT = 139 };

/* The guest can't be sent signals, so each has the effect it has on a program without handlers. */
bool signal_ends(int signal)
{
	return signal != SIGCHLD && signal != SIGCONT && signal != SIGURG && signal != SIGWINCH && signal != SIGPIPE &&
	       signal != SIGTSTP && signal != SIGTTIN && signal != SIGTTOU;
}

int signal_code(int signal)
{
	return OF_SIGNAL + signal;
}

/* SIGKILL is our own where the machine had to be ended. */
static bool crashed(const struct machine *m)
{
	return WIFSIGNALED(m->status) && WTERMSIG(m->status) != SIGKILL;
}

/* What was asked to end, and did not do so properly: its disks may lack what the guest wrote last. */
static void tell_ending(const struct machine *m)
{
	if (crashed(m))
		tell("the VMM crashed while it ended, by signal %d (%s): what the guest wrote last may be lost",
		     WTERMSIG(m->status), strsignal(WTERMSIG(m->status)));
	else if (WIFSIGNALED(m->status) && !m->hurried)
		tell("the VMM %s: what the guest wrote last may be lost",
		     m->overdue ? "did not end in time and was killed" : "was killed while it ended, as by a memory limit");
}

/* Warnings end nothing. */
static bool complained(const struct machine *m)
{
	for (const char *line = m->words; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		const char *warning = strstr(line, ": warning: ");
		if (strcspn(line, "\n") && (!warning || warning > line + strcspn(line, "\n")))
			return true;
	}
	return false;
}

int code_of_port(const struct machine *m)
{
	if (!WIFEXITED(m->status) || !WEXITSTATUS(m->status))
		return -1;
	/* A guest's code 0, and QEMU's own errors, which don't end it without a word. */
	bool is_error = WEXITSTATUS(m->status) == 1 && complained(m);
	return is_error ? -1 : debug_code(&m->debug_codes, WEXITSTATUS(m->status), m->rules.code);
}

int killed_code(void)
{
	long kills = oom_kills();
	if (kills) {
		trace(EVENT_OUT_OF_MEMORY, kills);
		tell("the kernel killed the VMM, as the container's memory ran out: give it more (docker run --memory)");
	} else {
		tell("the VMM was killed by signal %d (as by a person, or where the host's memory ran out)", SIGKILL);
	}
	return signal_code(SIGKILL);
}

/* Nobody has asked it to end. What it did by itself is never told as the guest's doing: 125 is no code of a guest's own. */
static int code_of_vmm(const struct machine *m)
{
	if (crashed(m)) {
		tell("the VMM itself crashed, by signal %d (%s), which is not the guest's doing or code: %s", WTERMSIG(m->status),
		     strsignal(WTERMSIG(m->status)), m->words_used ? m->words : "it said nothing");
		return OF_VMM;
	}
	if (WIFSIGNALED(m->status))
		return killed_code();
	if (WEXITSTATUS(m->status)) {
		tell("the VMM ended by itself: %s", m->words_used ? m->words : "it said nothing");
		return OF_VMM;
	}
	if (m->monitor.told_to_end) {
		tell("the VMM was told to end by a signal of somebody else's");
		return signal_code(SIGTERM);
	}
	return m->rules.code < 0 ? 0 : m->rules.code;
}

/* What a guest says that has ended by itself, as it was asked to; -1 where it says nothing of that. A debug port has no room for 128 + n. */
static int code_after_button(const struct machine *m)
{
	if (!m->pressed || !WIFEXITED(m->status) || m->monitor.told_to_end)
		return -1;
	return m->rules.code;
}

int exit_code(struct machine *m)
{
	if (m->is_tender)
		return tender_code(m);
	if (m->rules.remark)
		tell("%s", m->rules.remark);
	/* Its last words are those that it was asked for. */
	if (m->control.stopping && !m->stop_signal) {
		tell_ending(m);
		return signal_code(m->control.stopping);
	}
	if (m->ended) {
		tell_ending(m);
		return m->rules.code < 0 ? 1 : m->rules.code;
	}
	if (m->stop_signal) {
		int own = code_after_button(m);
		tell_ending(m);
		return own < 0 ? signal_code(m->stop_signal) : own;
	}
	/* QEMU 11 lets a guest go on for a while that has written to its port: then it may reset its machine as well. */
	int said = code_of_port(m);
	if (said >= 0)
		return said;
	if (m->monitor.reset && !m->reset_ends && !(m->reset_said && m->rules.code >= 0)) {
		tell("the guest reset its machine, as after a fault that it could not handle");
		tell_ending(m);
		return OF_FAULT;
	}
	return code_of_vmm(m);
}

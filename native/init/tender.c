#define _GNU_SOURCE
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STARTING_MS = 30000, /* what has not said by then that its guest runs, but lives, runs it */
	ABORTED = 255, /* a Solo5 guest's abort, as the tender's exit code (Solo5's include/solo5.h) */
	FAILED = 1, /* with words on stderr, where no guest writes: the tender's own trouble */
};

/* Its devices are in the plan's order: cards, then disks. */
static struct lending lent_by(const struct plan *plan)
{
	const char *first = directives_get(&plan->text, WORD_FIRST_DISK);
	size_t cards = first ? (size_t)parse_long(first) : 0;
	if (cards > plan->vmm_fd_count)
		fail("the plan has too few descriptors");
	return (struct lending){ plan->fds, plan->fds + cards, cards, plan->vmm_fd_count - cards };
}

/* Until the guest is about to run, or there will be none. Tenders that put on no filter of their own are heard by what it prints. */
static void attend(struct machine *m, const struct plan *plan, int signals, int listener)
{
	struct lending lending = lent_by(plan);
	long deadline = now_ms() + STARTING_MS;
	bool runs = false;
	while (!runs && !m->gone && !m->stop_signal && now_ms() < deadline) {
		struct pollfd nobody = { -1, 0, 0 };
		struct pollfd fds[] = {
			{ signals, POLLIN, 0 }, { listener, POLLIN, 0 }, { m->vmm.errors, POLLIN, 0 }, { m->console.guest, POLLIN, 0 }
		};
		poll(fds, 4, (int)(deadline - now_ms()));
		/* Its end is no word of the guest's. */
		char byte;
		runs = fds[3].revents && recv(m->console.guest, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
		if (fds[1].revents & POLLIN) {
			/* It waits, so nothing of this is said while its guest runs. */
			read_words(m);
			m->words_told = m->words_used;
			runs |= tender_answer(listener, &lending);
		} else if (fds[1].revents) {
			listener = -1;
		}
		if (runs)
			trace(EVENT_LET_GO, 0);
		hear_vmm(m, signals, &nobody, &fds[2]);
	}
	if (!runs && (m->gone || m->stop_signal))
		fail_with_words(m);
}

void start_tender(struct machine *m, struct channel *channel, struct plan *plan, int signals)
{
	directives_check(&plan->text, PLAN_BOARD | PLAN_START | PLAN_TENDER);
	m->is_tender = true;
	m->monitor.fd = -1;
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		fail_errno("could not open /proc");
	rules_load(&m->rules, &plan->text);
	lift_limits();
	trace(EVENT_PLAN, 0);
	m->vmm = launch_with_devices(plan);
	m->console.guest = m->vmm.console;
	/* It reads nothing. */
	shutdown(m->console.guest, SHUT_WR);
	m->console.input_gone = true;
	fcntl(m->vmm.qmp, F_SETFL, 0);
	int listener = tender_meet(m->vmm.qmp);
	if (listener < 0) {
		while (!m->gone && waitpid(m->vmm.pid, &m->status, 0) < 0 && errno == EINTR)
			;
		m->gone = true;
		fail_with_words(m);
	}
	m->asker = enter_cage(m, plan);
	open_servers(m, plan);
	links_open(&m->links, &plan->text);
	confine_init();
	say_lines(plan);
	tender_let_go(m->vmm.qmp);
	close(m->vmm.qmp);
	const char *hidden = directives_get(&plan->text, WORD_HIDDEN_ARGUMENT);
	m->gone = hidden && !tell_hidden(m->vmm.pid, hidden, &m->status);
	attend(m, plan, signals, listener);
	close(listener);
	tell_started(m, channel, plan, proc);
}

/* What it has said while its guest ran; of much only the end is kept. */
static const char *last_words(struct machine *m)
{
	while (m->words_used && m->words[m->words_used - 1] == '\n')
		m->words[--m->words_used] = '\0';
	return m->words + (m->words_told <= m->words_used ? m->words_told : 0);
}

int tender_code(struct machine *m)
{
	if (m->stop_signal) {
		if (m->overdue)
			tell("the tender did not end in time and was killed: what the guest wrote last may be lost");
		return signal_code(m->stop_signal);
	}
	if (WIFSIGNALED(m->status)) {
		int signal = WTERMSIG(m->status);
		if (signal == SIGKILL)
			return killed_code();
		if (signal == SIGSYS)
			tell("the guest was ended by signal %d (%s): it made a system call that its tender does not allow", signal,
			     strsignal(signal));
		else
			tell("the guest was ended by signal %d (%s)", signal, strsignal(signal));
		return signal_code(signal);
	}
	const char *words = last_words(m);
	if (WEXITSTATUS(m->status) == FAILED && *words) {
		tell("the tender ended by itself: %s", words);
		return OF_VMM;
	}
	/* The same for every abort, and for a program's own 255. */
	if (WEXITSTATUS(m->status) == ABORTED && m->rules.code >= 0)
		return m->rules.code;
	return WEXITSTATUS(m->status);
}

#define _GNU_SOURCE
#include "exec/exec.h"
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	STARTING_MS = 30000, /* a VMM that is not up by then never will be */
};

/* Reads what the VMM says, and its last words, until `done` or its time is over. */
static void attend(struct machine *m, int signals, bool (*done)(const struct monitor *), long deadline)
{
	while (!done(&m->monitor) && !m->gone && !m->stop_signal && now_ms() < deadline) {
		struct pollfd fds[] = { { signals, POLLIN, 0 }, { m->monitor.fd, POLLIN, 0 }, { m->vmm.errors, POLLIN, 0 } };
		poll(fds, 3, (int)(deadline - now_ms()));
		hear_vmm(m, signals, &fds[1], &fds[2]);
	}
}

void fail_with_words(struct machine *m)
{
	if (!m->gone)
		kill(m->vmm.pid, SIGKILL);
	vmm_complain(&m->vmm);
	read_words(m);
	while (m->words_used && (m->words[m->words_used - 1] == '\n'))
		m->words[--m->words_used] = '\0';
	if (m->stop_signal)
		fail("it was ended by signal %d while it started", m->stop_signal);
	if (m->gone && WIFSIGNALED(m->status))
		fail("the VMM was ended by signal %d (%s) before it ran%s%s", WTERMSIG(m->status),
		     strsignal(WTERMSIG(m->status)), m->words_used ? ": " : "", m->words);
	fail("the VMM %s%s%s", m->gone ? "ended at once" : "did not answer on its control socket within 30 s",
	     m->words_used ? ": " : "", m->words);
}

static bool is_ready(const struct monitor *monitor)
{
	return monitor->state == READY;
}

/* QMP: {"error": {"class": NAME, "desc": WORDS}}. */
static void __attribute__((noreturn)) fail_with_refusal(const char *command, const char *answer)
{
	static const char key[] = "\"desc\": \"";
	const char *words = strstr(answer, key);
	words = words ? words + sizeof key - 1 : answer;
	fail("the VMM refuses %.*s: %.*s", (int)strcspn(command, "\n"), command, (int)strcspn(words, "\""), words);
}

/* `ask` is a command for the monitor as it is; `lend` the same, and the plan's next descriptor goes with it. */
static void give_devices(struct machine *m, const struct plan *plan, int signals, long deadline)
{
	size_t cursor = 0, next = 0;
	struct directive each;
	while (directives_next(&plan->text, &cursor, &each)) {
		bool lends = each.word == WORD_LEND;
		if (!lends && each.word != WORD_ASK)
			continue;
		if (lends && next == plan->vmm_fd_count)
			fail("the plan has too few descriptors");
		monitor_forward(&m->monitor, each.value, lends ? plan->fds[next++] : -1);
		attend(m, signals, is_ready, deadline);
		if (!m->monitor.answer) {
			/* A guest may end before QEMU has said that it runs. */
			read_words(m);
			if (m->gone && strstr(each.value, "\"cont\"") && code_of_port(m) >= 0)
				return;
			fail_with_words(m);
		}
		if (m->monitor.refused)
			fail_with_refusal(each.value, m->monitor.answer);
		free(m->monitor.answer);
		m->monitor.answer = NULL;
	}
}

/* Their taps are among the plan's descriptors that are not the VMM's. */
void open_servers(struct machine *m, const struct plan *plan)
{
	const char *value = directives_get(&plan->text, WORD_RESOLVER);
	size_t next = plan->vmm_fd_count;
	m->resolver.place.tap = m->resolver.socket = m->dhcp.tap = -1;
	if (value)
		resolver_open(&m->resolver, plan->fds[next++], value);
	next += directives_get(&plan->text, WORD_STAND_BY) != NULL;
	next += directives_get(&plan->text, WORD_STAND_BY_TUN) != NULL;
	if (directives_get(&plan->text, WORD_DHCP))
		dhcp_open(&m->dhcp, plan->fds[next], &plan->text);
}

/* The VMM's descriptors but its disks', which a checkpoint finds here. */
static void keep_disks(const struct plan *plan)
{
	const char *first = directives_get(&plan->text, WORD_FIRST_DISK), *count = directives_get(&plan->text, WORD_DISKS);
	size_t from = first ? (size_t)parse_long(first) : 0, end = from + (count ? (size_t)parse_long(count) : 0);
	for (size_t i = 0; i < plan->vmm_fd_count; i++) {
		if (i >= from && i < end && dup3(plan->fds[i], FIRST_DISK + (int)(i - from), O_CLOEXEC) < 0)
			fail_errno("could not keep the disks");
		close(plan->fds[i]);
	}
}

/* A guest that comes from a checkpoint said much before. */
static void resume_phase(struct machine *m, const struct directives *d)
{
	const char *phase = directives_get(d, WORD_PHASE);
	if (!phase)
		return;
	snprintf(m->rules.phase, sizeof m->rules.phase, "%s", phase);
	m->rules.code = (int)parse_long(directives_get(d, WORD_PHASE_CODE));
	m->heard = true;
	if (directives_get(d, WORD_PHASE_HALTING))
		begin_look(m);
}

int enter_cage(const struct machine *m, const struct plan *plan)
{
	int vmm = (int)syscall(SYS_pidfd_open, m->vmm.pid, 0), asker = -1;
	if (vmm >= 0 && directives_get(&plan->text, WORD_STAND_BY)) {
		const int *lent = plan->fds + plan->vmm_fd_count + (directives_get(&plan->text, WORD_RESOLVER) ? 1 : 0);
		int nodes = directives_get(&plan->text, WORD_STAND_BY_TUN) ? lent[1] : -1;
		asker = stand_by(&plan->text, &(struct tunnel){ .tap = lent[0], .nodes = nodes }, vmm);
		close(lent[0]);
		if (nodes >= 0)
			close(nodes);
	}
	if (vmm < 0 || setns(vmm, CLONE_NEWNS) < 0)
		fail_errno("could not enter the cage");
	close(vmm);
	return asker;
}

void say_lines(const struct plan *plan)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(&plan->text, &cursor, &each))
		if (each.word == WORD_SAY)
			tell("%s", each.value);
}

void tell_started(struct machine *m, struct channel *channel, const struct plan *plan, int proc)
{
	keep_disks(plan);
	channel_started(channel);
	/* Not before: a profile may forbid that. */
	label_at_once(&plan->text, proc);
	close(proc);
	filter_init(m->resolver.socket >= 0);
	control_open(&m->control, channel->listener);
	trace(EVENT_RUNS, 0);
	/* It runs, so these are warnings. */
	read_words(m);
	dprintf(plan->reply, "ok%s", m->words);
	close(plan->reply);
}

/* From a created container to a running machine. */
static void start_machine(struct machine *m, struct channel *channel, struct plan *plan, int signals)
{
	long deadline = now_ms() + STARTING_MS;
	directives_check(&plan->text, PLAN_START | (directives_get(&plan->text, WORD_STAND_BY) ? PLAN_EXEC : 0));
	if (!m->vmm.pid)
		fail("it has no VMM");
	trace(EVENT_PLAN, 0);
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		fail_errno("could not open /proc");
	rules_load(&m->rules, &plan->text);
	debug_codes_load(&m->debug_codes, &plan->text);
	const char *reset = directives_get(&plan->text, WORD_RESET);
	m->reset_ends = reset && !strcmp(reset, "end");
	m->reset_said = reset && !strcmp(reset, "said");
	m->has_button = directives_get(&plan->text, WORD_POWER_BUTTON);
	resume_phase(m, &plan->text);
	attend(m, signals, is_ready, deadline);
	if (m->monitor.state != READY || m->gone)
		fail_with_words(m);
	/* One of the size of files could keep us from writing into the guest's memory. */
	lift_limits();
	int asker = enter_cage(m, plan);
	const char *line = directives_get(&plan->text, WORD_COMMAND_LINE);
	if (line)
		write_command_line(line);
	const char *module = directives_get(&plan->text, WORD_MODULE);
	if (module) {
		int fd = plan->fds[plan->fd_count - 1];
		write_module(fd, module);
		close(fd);
	}
	if (directives_get(&plan->text, WORD_KEPT_MEMORY)) {
		copy_memory(plan->fds[plan->fd_count - 1]);
		close(plan->fds[plan->fd_count - 1]);
	}
	open_servers(m, plan);
	links_open(&m->links, &plan->text);
	confine_init();
	say_lines(plan);
	trace(EVENT_DEVICES, 0);
	give_devices(m, plan, signals, deadline);
	m->asker = asker;
	tell_started(m, channel, plan, proc);
	/* None of what was said so far is why it ends one day. */
	m->words[m->words_used = 0] = '\0';
}

/* A VMM whose board was for a guest to go on from another, which it can't. */
static void dismiss_vmm(struct machine *m)
{
	kill(m->vmm.pid, SIGKILL);
	while (!m->gone && waitpid(m->vmm.pid, &m->status, 0) < 0 && errno == EINTR)
		;
	close(m->vmm.qmp);
	close(m->vmm.console);
	close(m->vmm.status);
	if (m->vmm.errors >= 0)
		close(m->vmm.errors);
	m->monitor.state = WAITS_GREETING;
	m->monitor.used = m->words_used = 0;
	m->gone = false;
}

struct vmm launch_with_devices(const struct plan *plan)
{
	int devices = directives_get(&plan->text, WORD_DEVICES) ? plan->fds[plan->fd_count - 1] : -1;
	struct vmm vmm = vmm_launch(&plan->text, devices);
	if (devices >= 0)
		close(devices);
	trace_vmm(vmm.pid);
	trace(EVENT_VMM, 0);
	return vmm;
}

/* The VMM that a created container has, and what becomes of it before its start. */
static void launch(struct machine *m, const struct plan *plan)
{
	directives_check(&plan->text, PLAN_BOARD);
	if (m->vmm.pid)
		dismiss_vmm(m);
	m->vmm = launch_with_devices(plan);
	m->monitor.fd = m->vmm.qmp;
	m->console.guest = m->vmm.console;
	dprintf(plan->reply, "ok");
	close(plan->reply);
}

/*
 * Waits for two plans: that of the board, whose VMM is made at once, as a rule when the container is created, and that of the start; of two
 * boards the last counts. Runs the machine, and returns the container's exit code.
 */
int live(struct channel *channel, int signals)
{
	static struct machine m;
	m.monitor.fd = m.vmm.errors = m.asker = -1;
	for (;;) {
		struct pollfd fds[] = { { signals, POLLIN, 0 }, { channel->listener, POLLIN, 0 }, { m.monitor.fd, POLLIN, 0 }, { m.vmm.errors, POLLIN, 0 } };
		poll(fds, 4, -1);
		hear_vmm(&m, signals, &fds[2], &fds[3]);
		if (m.stop_signal) {
			if (m.vmm.pid)
				kill(m.vmm.pid, SIGKILL);
			return signal_code(m.stop_signal);
		}
		struct plan plan;
		if (!(fds[1].revents && channel_accept(channel, &plan)))
			continue;
		/* Whoever sent the plan hears why it failed. */
		fail_to(plan.reply);
		if (directives_get(&plan.text, WORD_TENDER)) {
			start_tender(&m, channel, &plan, signals);
		} else if (directives_get(&plan.text, WORD_ARGUMENT)) {
			launch(&m, &plan);
			continue;
		} else {
			start_machine(&m, channel, &plan, signals);
		}
		relay(&m, signals);
		control_end(&m.control);
		return exit_code(&m);
	}
}

#define _GNU_SOURCE
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ENDING_MS = 8000, /* how long a VMM may take to flush its disks and go */
	DRAIN_MS = 2000, /* how long a reader may leave our last words unread */
	LOOK_MS = 2, LOOK_LIMIT_MS = 512, /* between two looks at a vCPU that said it halts */
};

void read_words(struct machine *m)
{
	for (;;) {
		/* Only the end matters. */
		if (m->words_used > sizeof m->words / 2) {
			size_t kept = m->words_used / 2;
			memmove(m->words, m->words + m->words_used - kept, kept);
			m->words_used = kept;
		}
		ssize_t n = read(m->vmm.errors, m->words + m->words_used, sizeof m->words - 1 - m->words_used);
		if (n <= 0)
			break;
		m->words_used += (size_t)n;
	}
	m->words[m->words_used] = '\0';
}

static void reap(struct machine *m)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == m->vmm.pid) {
			m->gone = true;
			m->status = status;
		}
	}
}

static void end_machine(struct machine *m)
{
	if (m->vmm.pid && !m->gone && !m->kill_at) {
		/* On SIGTERM QEMU flushes its block devices and leaves. */
		kill(m->vmm.pid, SIGTERM);
		m->kill_at = now_ms() + ENDING_MS;
	}
}

static void take_signals(struct machine *m, int signals)
{
	struct signalfd_siginfo info;
	while (read(signals, &info, sizeof info) == sizeof info) {
		int signal = (int)info.ssi_signo;
		if (signal == SIGCHLD) {
			reap(m);
		} else if (signal_ends(signal)) {
			if (m->stop_signal) {
				m->hurried = true;
				m->kill_at = now_ms();
			}
			m->stop_signal = signal;
			end_machine(m);
		}
	}
}

/* Signals, the monitor's lines and the VMM's stderr, as poll(2) found the last two. */
void hear_vmm(struct machine *m, int signals, const struct pollfd *monitor, const struct pollfd *errors)
{
	take_signals(m, signals);
	if (errors->revents) {
		read_words(m);
		if (errors->revents & POLLHUP)
			m->vmm.errors = -1;
	}
	if (monitor->revents && !monitor_read(&m->monitor))
		m->monitor.fd = -1;
}

static void look_at_vcpu(struct machine *m)
{
	if (m->monitor.halted) {
		m->ended = true;
		m->look = false;
		end_machine(m);
		return;
	}
	if (now_ms() >= m->look_at) {
		monitor_look(&m->monitor);
		m->look_at = now_ms() + m->look_pause;
		m->look_pause = m->look_pause < LOOK_LIMIT_MS ? m->look_pause * 2 : LOOK_LIMIT_MS;
	}
}

void begin_look(struct machine *m)
{
	m->look = true;
	m->look_pause = LOOK_MS;
	m->look_at = now_ms();
}

static void listen_to_guest(struct machine *m)
{
	bool spoke = false;
	enum verdict verdict = console_from_guest(&m->console, &m->rules, &spoke);
	if (spoke) {
		control_show(&m->control, m->console.out, m->console.out_used);
		m->heard = true;
		m->look = m->monitor.halted = false;
	}
	if (verdict == HALTS) {
		begin_look(m);
	} else if (verdict == ENDS) {
		m->ended = true;
		end_machine(m);
	}
}

static int next_timeout(struct machine *m, long drain_until)
{
	long until = resolver_deadline(&m->resolver, now_ms());
	if (m->look && m->look_at && (until < 0 || m->look_at < until))
		until = m->look_at;
	if (m->kill_at && (until < 0 || m->kill_at < until))
		until = m->kill_at;
	if (m->control.released && m->monitor.state == READY && (until < 0 || m->control.release_at < until))
		until = m->control.release_at;
	if (drain_until && (until < 0 || drain_until < until))
		until = drain_until;
	if (until < 0)
		return -1;
	long left = until - now_ms();
	return left > 0 ? (int)left : 0;
}

/* Until the VMM is gone and its last words are delivered. */
void relay(struct machine *m, int signals)
{
	long drain_until = 0;
	while (!m->gone || !m->console.guest_gone || console_pending(&m->console)) {
		bool pending = console_pending(&m->console);
		/* A guest that sets up its serial line throws away what came before. */
		bool heard = m->heard && !m->gone && !m->console.in_used;
		struct pollfd fds[] = {
			{ signals, POLLIN, 0 },
			{ pending || m->console.guest_gone ? -1 : m->console.guest, POLLIN, 0 },
			{ pending ? 1 : -1, POLLOUT, 0 },
			{ heard && !m->console.input_gone ? 0 : -1, POLLIN, 0 },
			{ m->console.in_used && !m->gone ? m->console.guest : -1, POLLOUT, 0 },
			{ m->monitor.fd, POLLIN, 0 },
			{ m->vmm.errors, POLLIN, 0 },
			{ m->resolver.tap, POLLIN, 0 },
			{ m->resolver.socket, POLLIN, 0 },
			{ m->control.caller < 0 ? m->control.listener : m->control.caller, POLLIN, 0 },
			{ m->gone ? -1 : m->links.socket, POLLIN, 0 },
			{ heard ? m->control.viewer : -1, POLLIN, 0 },
			{ m->gone ? -1 : m->control.holder, POLLIN, 0 },
		};
		if (m->gone && !drain_until)
			drain_until = now_ms() + DRAIN_MS;
		if (poll(fds, sizeof fds / sizeof *fds, next_timeout(m, drain_until)) < 0 && errno != EINTR)
			break;
		hear_vmm(m, signals, &fds[5], &fds[6]);
		control_answer(&m->control, &m->monitor);
		if (fds[2].revents) {
			console_to_output(&m->console);
			/* A reader that is slow, but reads, gets all of it. */
			if (drain_until)
				drain_until = now_ms() + DRAIN_MS;
		}
		if (fds[1].revents)
			listen_to_guest(m);
		if (fds[3].revents)
			console_from_input(&m->console);
		else if (fds[11].revents)
			control_typed(&m->control, &m->console);
		if (fds[4].revents)
			console_to_guest(&m->console);
		if (fds[7].revents)
			resolver_from_guest(&m->resolver, now_ms());
		if (fds[8].revents)
			resolver_from_server(&m->resolver);
		if (fds[9].revents && m->control.caller < 0)
			control_accept(&m->control);
		else if (fds[9].revents)
			control_read(&m->control, &m->monitor, &m->rules, m->look);
		if (fds[10].revents)
			links_read(&m->links);
		if (fds[12].revents)
			control_release(&m->control);
		if (m->look)
			look_at_vcpu(m);
		/* Between two looks, too: a guest may say that it halts, and go on. */
		control_ask(&m->control, &m->monitor);
		if (m->kill_at && !m->gone && now_ms() >= m->kill_at) {
			kill(m->vmm.pid, SIGKILL);
			m->overdue = true;
			m->kill_at = 0;
		}
		if (drain_until && now_ms() >= drain_until)
			break;
	}
}

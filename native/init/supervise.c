#define _GNU_SOURCE
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ENDING_MS = 8000, /* how long a VMM may take to flush its disks and go */
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
	struct rusage used;
	while ((pid = wait4(-1, &status, WNOHANG, &used)) > 0) {
		if (pid == m->vmm.pid) {
			trace_gone(status, &used);
			m->gone = true;
			m->status = status;
		}
	}
}

static void end_machine(struct machine *m)
{
	if (m->vmm.pid && !m->gone && !m->kill_at) {
		/* QEMU flushes its block devices and leaves. To SIGTERM it is deaf (vmm.c). */
		kill(m->vmm.pid, SIGINT);
		m->kill_at = now_ms() + ENDING_MS;
	}
}

/* Who sends a signal by our own `kill` has asked the guest before. False where it can't be asked, or was. */
static bool ask_guest(struct machine *m, int signal)
{
	if (m->asker < 0 || m->control.stopping || m->ended || write(m->asker, "", 1) != 1)
		return false;
	m->control.stopping = signal;
	trace(EVENT_ASKED, signal);
	m->asked_until = now_ms() + ASKING_MS + HALTING_MS;
	return true;
}

void end_unasked(struct machine *m)
{
	m->asked_until = 0;
	if (m->ended || m->gone)
		return;
	tell("the guest does not end when it is asked, so its machine is: what it has not written to its disks is lost");
	m->stop_signal = m->control.stopping;
	end_machine(m);
}

static void take_signals(struct machine *m, int signals)
{
	struct signalfd_siginfo info;
	while (read(signals, &info, sizeof info) == sizeof info) {
		int signal = (int)info.ssi_signo;
		if (signal == SIGCHLD) {
			reap(m);
		} else if (signal_ends(signal) && !ask_guest(m, signal)) {
			trace(EVENT_SIGNAL, signal);
			if (m->stop_signal) {
				m->hurried = true;
				m->kill_at = now_ms();
			}
			m->stop_signal = signal;
			/* Before it runs it hears of no button. */
			if (m->has_button && m->heard && !m->hurried)
				m->press = true;
			else
				end_machine(m);
		}
	}
}

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

void press_button(struct machine *m)
{
	if (m->monitor.state != READY)
		return;
	if (m->monitor.button == BUTTON_UNKNOWN) {
		monitor_find_button(&m->monitor);
		return;
	}
	m->press = false;
	if (m->monitor.button == BUTTON_DEAF) {
		end_machine(m);
		return;
	}
	m->pressed = true;
	trace(EVENT_BUTTON, 0);
	monitor_forward(&m->monitor, "{\"execute\":\"system_powerdown\"}\n", -1);
}

void look_at_vcpu(struct machine *m)
{
	if (m->monitor.halted) {
		m->ended = true;
		trace(EVENT_SAID_END, 0);
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

void listen_to_guest(struct machine *m)
{
	bool spoke = false;
	enum verdict verdict = console_from_guest(&m->console, &m->rules, &spoke);
	if (spoke) {
		trace(EVENT_SPOKE, 0);
		control_show(&m->control, m->console.out, m->console.out_used);
		m->heard = true;
		m->look = m->monitor.halted = false;
	}
	if (verdict == HALTS) {
		begin_look(m);
	} else if (verdict == ENDS) {
		m->ended = true;
		trace(EVENT_SAID_END, 0);
		end_machine(m);
	}
}

#define _GNU_SOURCE
#include "machine.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

enum { DRAIN_MS = 2000 }; /* how long a reader may leave our last words unread */

static int next_timeout(struct machine *m)
{
	long until = resolver_deadline(&m->resolver, now_ms());
	if (m->look && m->look_at)
		until = sooner(until, m->look_at);
	if (m->kill_at)
		until = sooner(until, m->kill_at);
	if (m->control.released && m->monitor.state == READY)
		until = sooner(until, m->control.release_at);
	if (m->drain_until)
		until = sooner(until, m->drain_until);
	if (m->asked_until)
		until = sooner(until, m->asked_until);
	if (until < 0)
		return -1;
	long left = until - now_ms();
	return left > 0 ? (int)left : 0;
}

/* A guest that sets up its serial line throws away what came before. */
static bool takes_input(const struct machine *m)
{
	return m->heard && !m->gone && !m->console.in_used;
}

static int guest_for_reading(const struct machine *m)
{
	return console_pending(&m->console) || m->console.guest_gone ? -1 : m->console.guest;
}

static int output(const struct machine *m)
{
	return console_pending(&m->console) ? 1 : -1;
}

static int input(const struct machine *m)
{
	return takes_input(m) && !m->console.input_gone ? 0 : -1;
}

static int viewer(const struct machine *m)
{
	return takes_input(m) ? m->control.viewer : -1;
}

static int guest_for_writing(const struct machine *m)
{
	return m->console.in_used && !m->gone ? m->console.guest : -1;
}

static int tap(const struct machine *m)
{
	return m->resolver.place.tap;
}

static int dhcp_tap(const struct machine *m)
{
	return m->dhcp.tap;
}

static int name_server(const struct machine *m)
{
	return m->resolver.socket;
}

static int listener(const struct machine *m)
{
	return m->control.caller < 0 ? m->control.listener : -1;
}

static int caller(const struct machine *m)
{
	return m->control.caller;
}

static int holder(const struct machine *m)
{
	return m->gone ? -1 : m->control.holder;
}

static int changes(const struct machine *m)
{
	return m->gone ? -1 : m->links.socket;
}

static int asker(const struct machine *m)
{
	return m->asker;
}

/* A reader that is slow, but reads, gets all of it, and so it does where this process had to wait for its turn. */
static void drain_longer(struct machine *m)
{
	if (m->drain_until)
		m->drain_until = now_ms() + DRAIN_MS;
}

static void hear_output(struct machine *m)
{
	console_to_output(&m->console);
	drain_longer(m);
}

static void hear_guest(struct machine *m)
{
	listen_to_guest(m);
	drain_longer(m);
}

static void hear_input(struct machine *m)
{
	console_from_input(&m->console);
}

static void hear_viewer(struct machine *m)
{
	control_typed(&m->control, &m->console);
}

static void hear_room(struct machine *m)
{
	console_to_guest(&m->console);
}

static void hear_tap(struct machine *m)
{
	resolver_from_guest(&m->resolver, now_ms());
}

static void hear_dhcp(struct machine *m)
{
	dhcp_from_guest(&m->dhcp);
}

static void hear_name_server(struct machine *m)
{
	resolver_from_server(&m->resolver);
}

static void hear_listener(struct machine *m)
{
	control_accept(&m->control);
}

static void hear_caller(struct machine *m)
{
	control_read(&m->control, &m->monitor, &m->rules, m->look);
}

static void hear_holder(struct machine *m)
{
	control_release(&m->control);
}

static void hear_changes(struct machine *m)
{
	links_read(&m->links);
}

/* It has ended, and said why if it failed: a guest that has its last call halts now. */
static void hear_asker(struct machine *m)
{
	close(m->asker);
	m->asker = -1;
	if (m->asked_until && m->asked_until > now_ms() + HALTING_MS)
		m->asked_until = now_ms() + HALTING_MS;
}

/* What a running machine listens to, in this order; the descriptor is -1 as long as it does not. */
static const struct source {
	int (*descriptor)(const struct machine *m);
	short events;
	void (*hear)(struct machine *m);
} sources[] = {
	{ output, POLLOUT, hear_output },
	{ guest_for_reading, POLLIN, hear_guest },
	{ input, POLLIN, hear_input },
	{ viewer, POLLIN, hear_viewer },
	{ guest_for_writing, POLLOUT, hear_room },
	{ tap, POLLIN, hear_tap },
	{ dhcp_tap, POLLIN, hear_dhcp },
	{ name_server, POLLIN, hear_name_server },
	{ listener, POLLIN, hear_listener },
	{ caller, POLLIN, hear_caller },
	{ changes, POLLIN, hear_changes },
	{ holder, POLLIN, hear_holder },
	{ asker, 0, hear_asker },
};

enum { SOURCES = sizeof sources / sizeof *sources };

/* One that an earlier one has changed was not asked about: it has its turn in the next round. */
static void hear_sources(struct machine *m, const struct pollfd *polled)
{
	for (size_t i = 0; i < SOURCES; i++)
		if (polled[i].revents && sources[i].descriptor(m) == polled[i].fd)
			sources[i].hear(m);
}

void relay(struct machine *m, int signals)
{
	enum { MONITOR = SOURCES, ERRORS, SIGNALS, ALL };
	while (!m->gone || !m->console.guest_gone || console_pending(&m->console)) {
		struct pollfd fds[ALL + STREAM_LIMIT] = {
			[MONITOR] = { m->monitor.fd, POLLIN, 0 },
			[ERRORS] = { m->vmm.errors, POLLIN, 0 },
			[SIGNALS] = { signals, POLLIN, 0 },
		};
		for (size_t i = 0; i < SOURCES; i++)
			fds[i] = (struct pollfd){ sources[i].descriptor(m), sources[i].events, 0 };
		if (m->gone && !m->drain_until)
			m->drain_until = now_ms() + DRAIN_MS;
		int timeout = next_timeout(m);
		size_t streams = streams_poll(&m->resolver.streams, fds + ALL);
		if (poll(fds, ALL + streams, timeout) < 0) {
			if (errno != EINTR)
				break;
			continue;
		}
		hear_vmm(m, signals, &fds[MONITOR], &fds[ERRORS]);
		if (streams)
			streams_from_server(&m->resolver.streams, fds + ALL, now_ms());
		control_answer(&m->control, &m->monitor);
		hear_sources(m, fds);
		if (m->press)
			press_button(m);
		if (m->look)
			look_at_vcpu(m);
		/* Between two looks, too: a guest may say that it halts, and go on. */
		control_ask(&m->control, &m->monitor);
		if (m->asked_until && now_ms() >= m->asked_until)
			end_unasked(m);
		if (m->kill_at && !m->gone && now_ms() >= m->kill_at) {
			kill(m->vmm.pid, SIGKILL);
			m->overdue = true;
			trace(EVENT_OVERDUE, 0);
			m->kill_at = 0;
		}
		if (m->drain_until && now_ms() >= m->drain_until)
			break;
	}
}

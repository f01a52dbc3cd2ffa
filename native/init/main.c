#define _GNU_SOURCE
#include "exec/exec.h"
#include "machine.h"
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <unistd.h>

static void set_domain(const char *name)
{
	if (setdomainname(name, strlen(name)) < 0)
		fail_errno("could not set the domain name \"%s\"", name);
}

static void set_names(const struct directives *d)
{
	const char *host = directives_get(d, WORD_HOSTNAME), *domain = directives_get(d, WORD_DOMAINNAME);
	if (host && sethostname(host, strlen(host)) < 0)
		fail_errno("could not set the host name \"%s\"", host);
	if (domain)
		set_domain(domain);
}

static void set_sysctls(const struct directives *d)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each)) {
		if (each.word != WORD_SYSCTL)
			continue;
		const char *equals = strchr(each.value, '=');
		char path[512];
		if (!equals)
			fail("the sysctl \"%s\" has no value", each.value);
		/* Whoever has the UTS namespace may set it; the file is the host root's. */
		if (!strncmp(each.value, "kernel/domainname=", (size_t)(equals + 1 - each.value))) {
			set_domain(equals + 1);
			continue;
		}
		int n = snprintf(path, sizeof path, "/proc/sys/%.*s", (int)(equals - each.value), each.value);
		if (n < 0 || (size_t)n >= sizeof path)
			fail("the sysctl \"%s\" is too long", each.value);
		write_file(path, equals + 1);
	}
}

static void raise_oom_score(const struct directives *d)
{
	const char *score = directives_get(d, WORD_OOM_SCORE_ADJ);
	if (score)
		write_file("/proc/self/oom_score_adj", score);
}

/* Those that the VMM will have: who names a wrong one hears of it when the container is created. */
static void check_labels(const struct directives *d)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		fail_errno("could not open /proc");
	label_at_exec(d, proc);
	close(proc);
}

static int be_init(const struct directives *d, int console_socket, struct channel *channel, int ready)
{
	fail_to(ready);
	setsid();
	prctl(PR_SET_NAME, "unikrun-init");
	own_keyring();
	set_names(d);
	set_sysctls(d);
	check_labels(d);
	if (console_socket >= 0)
		/* One that nobody reads must not keep us from signals and look-ups. */
		open_terminal(console_socket, directives_get(d, WORD_TERMINAL_SIZE), false);
	sigset_t all;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGPIPE, SIG_IGN);
	int signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		fail_errno("could not listen to signals");
	channel_listen(channel);
	if (chdir("/") < 0)
		fail_errno("could not enter /");
	trace(EVENT_INIT, 0);
	(void)!write(ready, "ok", 2);
	close(ready);
	int code = live(channel, signals);
	/* For whoever asks how it ended; engines have it by wait(2). */
	dprintf(channel->exit, "%d\n", code);
	trace(EVENT_EXIT, code);
	return code;
}

/* If we are held. Whoever has the other end puts us into our cgroup meanwhile; if that fails, or he dies, it closes. */
static void wait_at_gate(void)
{
	char go;
	ssize_t n;
	while ((n = read(GATE_FD, &go, 1)) < 0 && errno == EINTR)
		;
	if (n != 1)
		_exit(1);
}

/* The files and folders that the container was given: only we live as long as it does (runtime/container/bundle/hold.ts). */
static void hold_sources(const struct directives *d)
{
	const char *count = directives_get(d, WORD_HELD);
	int end = count ? (int)parse_long(count) : 0;
	if (end > MOST_HELD)
		fail("there are too many mounts to hold");
	for (int i = 0; i < end; i++)
		if (dup3(FIRST_LENT + i, FIRST_HELD + i, O_CLOEXEC) < 0)
			fail_errno("could not hold the container's mounts");
	/* The answer is the last that we need of what else we were given. */
	syscall(SYS_close_range, ANSWER_FD + 1, FIRST_HELD - 1, 0);
	syscall(SYS_close_range, FIRST_HELD + end, ~0U, 0);
}

static int create_main(bool held)
{
	fail_to(ANSWER_FD);
	struct directives d = directives_read(DIRECTIVES_FD);
	close(DIRECTIVES_FD);
	directives_check(&d, PLAN_CREATE);
	if (held)
		wait_at_gate();
	hold_sources(&d);
	join_cgroups(&d);
	oom_open(&d);
	const char *console = directives_get(&d, WORD_CONSOLE_SOCKET), *folder = directives_get(&d, WORD_STATE);
	int console_socket = console ? connect_by_path(console) : -1;
	if (!folder)
		fail("the directives name no state folder");
	struct channel channel = channel_open(folder);
	trace_open(channel.directory, &d);
	raise_oom_score(&d);
	int users = user_namespace_given(&d);
	if (users >= 0 || directives_get(&d, WORD_UID_MAP))
		/* No root but the host's may. */
		lift_limits();
	join_namespaces(&d);
	user_namespace_enter(users);
	user_namespace_make(&d);
	new_namespaces(&d);
	int ready[2];
	if (pipe2(ready, O_CLOEXEC) < 0)
		fail_errno("could not make a pipe");
	pid_t child = fork();
	if (child < 0)
		fail_errno("could not fork the container's init");
	if (child == 0) {
		close(ready[0]);
		close(ANSWER_FD);
		_exit(be_init(&d, console_socket, &channel, ready[1]));
	}
	close(ready[1]);
	close(channel.listener);
	return report_child(child, ready[0], ANSWER_FD, directives_get(&d, WORD_WAIT));
}

int main(int argc, char **argv)
{
	if ((argc == 2 || argc == 3) && !strcmp(argv[1], "create"))
		return create_main(argc == 3 && !strcmp(argv[2], "held"));
	if (argc == 2 && !strcmp(argv[1], "exec"))
		return exec_main();
	if (argc == 2 && !strcmp(argv[1], "trial"))
		return trial_main();
	if (argc == 2 && !strcmp(argv[1], "check"))
		return check_main();
	if (argc == 3 && !strcmp(argv[1], "maps"))
		return maps_main(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "enter"))
		return enter_main(argc, argv);
	dprintf(2, "This program is a part of unikrun and is of no use by itself.\n");
	return 2;
}

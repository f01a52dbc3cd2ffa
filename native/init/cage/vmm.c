#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FIRST_GIVEN = 3, ABOVE_ALL = 200 };
_Static_assert(VMM_CONSOLE_FD == FIRST_GIVEN && VMM_MONITOR_FD == FIRST_GIVEN + 1, "in the order of vmm_launch");

/* What is run in a cage. */
struct role {
	void (*filter)(void); /* NULL: a tender, which puts it on in lending.c, by its second descriptor; the first is its stdout */
	int given[2]; /* its descriptors from FIRST_GIVEN on */
	size_t given_count;
	int devices; /* as build_cage takes them */
};

static char **arguments(const struct directives *d)
{
	size_t count = 0, cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each))
		count += each.word == WORD_ARGUMENT;
	char **argv = calloc(count + 1, sizeof *argv);
	if (!argv || !count)
		fail("the plan has no command for the VMM");
	for (count = 0, cursor = 0; directives_next(d, &cursor, &each);)
		if (each.word == WORD_ARGUMENT)
			argv[count++] = (char *)each.value;
	return argv;
}

static int lifted(int fd)
{
	int high = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_ALL);
	if (high < 0)
		fail_errno("could not arrange the VMM's descriptors");
	return high;
}

static void put(int high, int number)
{
	if (dup2(high, number) < 0)
		fail_errno("could not arrange the VMM's descriptors");
}

static void become(const struct directives *d, const struct role *role, char **argv, int errors, int status)
{
	sigset_t deaf;
	end_with_parent(status);
	/* Who ends all of a cgroup, or of a host, tells init too, which has its guest write first. */
	sigemptyset(&deaf);
	sigaddset(&deaf, SIGTERM);
	sigprocmask(SIG_SETMASK, &deaf, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	/* All of them out of the way first: a target may be another's source. */
	int high_errors = lifted(errors), high_status = lifted(status), high_given[2];
	for (size_t i = 0; i < role->given_count; i++)
		high_given[i] = lifted(role->given[i]);
	fail_to(high_status);
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		fail_errno("could not open /proc");
	int high_proc = lifted(proc);
	lift_limits();
	build_cage(d, role->devices);
	int null = open("/dev/null", O_RDWR);
	if (null < 0)
		fail_errno("could not open /dev/null in the cage");
	bool tender = !role->filter;
	put(null, 0);
	put(tender ? high_given[0] : high_errors, 1);
	put(high_errors, 2);
	for (size_t i = 0; !tender && i < role->given_count; i++)
		put(high_given[i], FIRST_GIVEN + (int)i);
	/* Emulated code and the emulator's heap are small and scattered: huge pages would double what they take. */
	if (directives_get(d, WORD_SMALL_PAGES))
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	label_at_exec(d, high_proc);
	confine(d);
	set_limits(d);
	if (directives_get(d, WORD_HIDDEN_ARGUMENT))
		hide_arguments();
	if (tender) {
		/* As every program is once it is executed: root of a user namespace can't follow another into its cage. */
		prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		tender_wait(high_given[1]);
	} else {
		role->filter();
	}
	/* The change of uid has cleared it. */
	end_with_parent(high_status);
	syscall(SYS_close_range, FIRST_GIVEN + (tender ? 0 : role->given_count), ~0U, CLOSE_RANGE_CLOEXEC);
	execve(argv[0], argv, (char *[]){ NULL });
	fail_errno("could not run %s", argv[0]);
}

static struct vmm launch(const struct directives *d, const struct role *role)
{
	int errors[2], status[2];
	if (pipe2(errors, O_CLOEXEC) < 0 || pipe2(status, O_CLOEXEC) < 0)
		fail_errno("could not make a pipe");
	char **argv = arguments(d);
	struct vmm vmm = { .pid = fork(), .console = -1, .qmp = -1, .errors = errors[0], .status = status[0] };
	if (vmm.pid < 0)
		fail_errno("could not fork");
	if (vmm.pid == 0) {
		close(status[0]);
		become(d, role, argv, errors[1], status[1]);
	}
	free(argv);
	close(errors[1]);
	close(status[1]);
	for (size_t i = 0; i < role->given_count; i++)
		close(role->given[i]);
	fcntl(vmm.errors, F_SETFL, O_NONBLOCK);
	fcntl(vmm.status, F_SETFL, O_NONBLOCK);
	return vmm;
}

struct vmm vmm_launch(const struct directives *d, int devices)
{
	int console[2], qmp[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) < 0)
		fail_errno("could not make the VMM's sockets");
	struct vmm vmm = launch(d, &(struct role){ directives_get(d, WORD_TENDER) ? NULL : filter_vmm, { console[1], qmp[1] }, 2, devices });
	vmm.console = console[0];
	vmm.qmp = qmp[0];
	fcntl(vmm.console, F_SETFL, O_NONBLOCK);
	fcntl(vmm.qmp, F_SETFL, O_NONBLOCK);
	return vmm;
}

struct vmm checker_launch(const struct directives *d, int disk)
{
	/* That of mounts is the cage's. */
	if (unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) < 0)
		fail_errno("could not make namespaces");
	return launch(d, &(struct role){ filter_checker, { disk }, 1, -1 });
}

void vmm_complain(const struct vmm *vmm)
{
	char words[1024];
	ssize_t n = read(vmm->status, words, sizeof words - 1);
	if (n <= 0)
		return;
	words[n] = '\0';
	fail("%s", !strncmp(words, "error ", 6) ? words + 6 : words);
}

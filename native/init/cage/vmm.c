#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LAST_FD = VMM_MONITOR_FD, ABOVE_ALL = 200 };

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

/* Dies with init. A change of uid clears that, so it is said again then. */
static void die_with(pid_t init)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != init)
		_exit(1);
}

static void become_vmm(const struct directives *d, pid_t init, char **argv, int console, int qmp, int errors, int status)
{
	sigset_t deaf;
	die_with(init);
	/* Who ends all of a cgroup, or of a host, tells init too, which has its guest write first. */
	sigemptyset(&deaf);
	sigaddset(&deaf, SIGTERM);
	sigprocmask(SIG_SETMASK, &deaf, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	/* All of them out of the way first: a target may be another's source. */
	int high_console = lifted(console), high_qmp = lifted(qmp), high_errors = lifted(errors), high_status = lifted(status);
	fail_to(high_status);
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		fail_errno("could not open /proc");
	int high_proc = lifted(proc);
	lift_limits();
	build_cage(d);
	int null = open("/dev/null", O_RDWR);
	if (null < 0)
		fail_errno("could not open /dev/null in the cage");
	put(null, 0);
	put(high_errors, 1);
	put(high_errors, 2);
	put(high_console, VMM_CONSOLE_FD);
	put(high_qmp, VMM_MONITOR_FD);
	/* Emulated code and the emulator's heap are small and scattered: huge pages would double what they take. */
	if (directives_get(d, WORD_SMALL_PAGES))
		prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	label_at_exec(d, high_proc);
	confine(d);
	filter_vmm();
	die_with(init);
	syscall(SYS_close_range, LAST_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(argv[0], argv, (char *[]){ NULL });
	fail_errno("could not run %s", argv[0]);
}

struct vmm vmm_launch(const struct directives *d)
{
	int console[2], qmp[2], errors[2], status[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, console) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp) < 0 || pipe2(errors, O_CLOEXEC) < 0 ||
	    pipe2(status, O_CLOEXEC) < 0)
		fail_errno("could not make the VMM's pipes");
	char **argv = arguments(d);
	pid_t init = getpid();
	struct vmm vmm = { .pid = fork(), .console = console[0], .qmp = qmp[0], .errors = errors[0], .status = status[0] };
	if (vmm.pid < 0)
		fail_errno("could not fork the VMM");
	if (vmm.pid == 0)
		become_vmm(d, init, argv, console[1], qmp[1], errors[1], status[1]);
	free(argv);
	close(console[1]);
	close(qmp[1]);
	close(errors[1]);
	close(status[1]);
	fcntl(vmm.console, F_SETFL, O_NONBLOCK);
	fcntl(vmm.qmp, F_SETFL, O_NONBLOCK);
	fcntl(vmm.errors, F_SETFL, O_NONBLOCK);
	fcntl(vmm.status, F_SETFL, O_NONBLOCK);
	return vmm;
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

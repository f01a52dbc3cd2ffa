/* Prints what a process may do once it has the VMM's filter, a line for each call: its name, and 0 or errno's number. */
#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static void tell_of(const char *name, long result)
{
	printf("%s %d\n", name, result < 0 ? errno : 0);
}

int main(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 2;
	filter_vmm();
	tell_of("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0));
	tell_of("bpf", syscall(SYS_bpf, 0, NULL, 0));
	tell_of("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
	tell_of("userfaultfd", syscall(SYS_userfaultfd, 0));
	tell_of("io_uring_setup", syscall(SYS_io_uring_setup, 1, NULL));
	tell_of("ptrace", syscall(SYS_ptrace, 0, 0, NULL, NULL));
	tell_of("unshare", unshare(CLONE_NEWUSER));
	tell_of("clone_newuser", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
	tell_of("vsock", socket(40, SOCK_STREAM, 0));
	tell_of("unix", socket(AF_UNIX, SOCK_STREAM, 0));
	tell_of("openat", open("/dev/null", O_RDWR));
	tell_of("code", mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	tell_of("fork", child);
	return 0;
}

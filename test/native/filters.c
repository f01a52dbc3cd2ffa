/* Prints what a process may do once it has the VMM's filter, or init's ("init", "init-asks"), a line for each call: its name, and 0 or errno's number. */
#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void tell_of(const char *name, long result)
{
	printf("%s %d\n", name, result < 0 ? errno : 0);
}

static void be_init(bool looks_up)
{
	static const int own = SOCK_CLOEXEC | SOCK_NONBLOCK;
	struct sockaddr_in nobody = { .sin_family = AF_UNSPEC };
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "/nobody" };
	int tcp = socket(AF_INET, SOCK_STREAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
	filter_init(looks_up);
	tell_of("tcp", socket(AF_INET, SOCK_STREAM | own, 0));
	tell_of("connect", connect(tcp, (struct sockaddr *)&nobody, sizeof nobody));
	tell_of("connect_unix", connect(local, (struct sockaddr *)&path, sizeof path));
	tell_of("udp", socket(AF_INET, SOCK_DGRAM | own, 0));
	tell_of("raw", socket(AF_INET, SOCK_RAW | own, IPPROTO_TCP));
	tell_of("ipv6", socket(AF_INET6, SOCK_STREAM | own, 0));
	tell_of("unix", socket(AF_UNIX, SOCK_STREAM | own, 0));
	tell_of("netlink", socket(AF_NETLINK, SOCK_RAW | own, 0));
	tell_of("bind", bind(tcp, (struct sockaddr *)&nobody, sizeof nobody));
	tell_of("openat", open("/dev/null", O_RDWR));
	fflush(stdout);
	_exit(0);
}

int main(int argc, char **argv)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return 2;
	if (argc > 1)
		be_init(!strcmp(argv[1], "init-asks"));
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

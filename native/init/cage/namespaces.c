#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void join_cgroups(const struct directives *d)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each))
		if (each.word == WORD_CGROUP)
			write_file(each.value, "0");
}

struct joined {
	int kind, fd;
	const char *path;
};

static void join_one(const struct joined *joined)
{
	if (setns(joined->fd, joined->kind) < 0) {
		if (errno == EINVAL)
			fail("%s is not a namespace of the type that config.json says", joined->path);
		fail_errno("could not enter the namespace %s", joined->path);
	}
	close(joined->fd);
}

/* All are opened first, and that of mounts is entered last: in it the others' paths may not be there. */
void join_namespaces(const struct directives *d)
{
	struct joined all[16];
	size_t cursor = 0, count = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each)) {
		if (each.word != WORD_JOIN)
			continue;
		if (count == sizeof all / sizeof *all)
			fail("config.json has too many namespaces");
		char *path;
		int kind = (int)strtol(each.value, &path, 10);
		all[count] = (struct joined){ kind, open(path + 1, O_RDONLY | O_CLOEXEC), path + 1 };
		if (all[count++].fd < 0)
			fail_errno("could not open the namespace %s", path + 1);
	}
	for (size_t i = 0; i < count; i++)
		if (all[i].kind != CLONE_NEWNS)
			join_one(&all[i]);
	for (size_t i = 0; i < count; i++)
		if (all[i].kind == CLONE_NEWNS)
			join_one(&all[i]);
}

void new_namespaces(const struct directives *d)
{
	const char *flags = directives_get(d, WORD_UNSHARE);
	if (!flags)
		return;
	int wanted = (int)parse_long(flags);
	if (unshare(wanted) < 0)
		fail_errno("could not make the container's namespaces");
	/* What we mount must not reach the host; what the host unmounts must reach us. */
	if ((wanted & CLONE_NEWNS) && mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		fail_errno("could not detach the container's mounts from the host's");
}

static const char *const enterable[] = { "ipc", "uts", "net", "cgroup", "pid", "mnt" };

static volatile pid_t entered;

static void end_entered(int signal)
{
	(void)signal;
	kill(entered, SIGKILL);
}

/*
 * `init enter PID ROOT PROGRAM ARG...`: runs a hook in the namespaces of PID.
 * With ROOT other than "-", its path is looked up in that tree, and it has no capability there.
 * SIGTERM ends it and reaps it: left to others, it would keep the container's process 1 from ending.
 */
int enter_main(int argc, char **argv)
{
	if (argc < 6)
		fail("enter needs a pid, a root, a program and its argv[0]");
	int fds[sizeof enterable / sizeof *enterable];
	size_t count = sizeof enterable / sizeof *enterable;
	for (size_t i = 0; i < count; i++) {
		char path[64];
		snprintf(path, sizeof path, "/proc/%ld/ns/%s", parse_long(argv[2]), enterable[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			fail_errno("could not open %s", path);
	}
	char own_users[64];
	snprintf(own_users, sizeof own_users, "/proc/%ld/ns/user", parse_long(argv[2]));
	int users = user_namespace_open(own_users);
	for (size_t i = 0; i < count; i++)
		if (setns(fds[i], 0) < 0)
			fail_errno("could not enter the container's %s namespace", enterable[i]);
	user_namespace_enter(users);
	int alive[2];
	if (pipe2(alive, O_CLOEXEC) < 0)
		fail_errno("could not make a pipe");
	pid_t child = fork();
	if (child < 0)
		fail_errno("could not fork");
	if (child == 0) {
		close(alive[1]);
		end_with_parent(alive[0]);
		if (strcmp(argv[3], "-")) {
			if (chdir(argv[3]) < 0 || chroot(".") < 0)
				fail_errno("could not enter the root file system %s", argv[3]);
			for (int cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0; cap++)
				;
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		}
		execv(argv[4], argv + 5);
		fail_errno("could not run %s", argv[4]);
	}
	entered = child;
	signal(SIGTERM, end_entered);
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A user namespace. It is entered after all namespaces that were given, which may be of another one's, and before the others are made,
 * which are to be its own. What needs the host's root is done before: from there on we are the namespace's.
 */

/* False where we are in it: the kernel refuses to enter that again. */
static bool is_another(int namespace)
{
	struct stat own, other;
	return stat("/proc/self/ns/user", &own) < 0 || fstat(namespace, &other) < 0 || own.st_ino != other.st_ino || own.st_dev != other.st_dev;
}

int user_namespace_open(const char *path)
{
	int namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0)
		fail_errno("could not open the namespace %s", path);
	if (is_another(namespace))
		return namespace;
	close(namespace);
	return -1;
}

int user_namespace_given(const struct directives *d)
{
	const char *path = directives_get(d, WORD_USER_NAMESPACE);
	return path ? user_namespace_open(path) : -1;
}

/* Without the host's groups, which would be nobody's there. */
static void become_its_root(void)
{
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		fail_errno("could not become root of the user namespace");
}

void user_namespace_enter(int namespace)
{
	if (namespace < 0)
		return;
	if (setns(namespace, CLONE_NEWUSER) < 0)
		fail_errno("could not enter the user namespace");
	close(namespace);
	become_its_root();
}

static void write_map(pid_t process, const char *file, const char *map)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", process, file);
	write_file(path, map);
}

/* Only who is outside of it, and may be any user there, can say who its users are. */
void user_namespace_make(const struct directives *d)
{
	const char *uids = directives_get(d, WORD_UID_MAP), *gids = directives_get(d, WORD_GID_MAP);
	if (!uids || !gids)
		return;
	int made[2];
	char byte;
	if (pipe2(made, O_CLOEXEC) < 0)
		fail_errno("could not make a pipe");
	pid_t maker = getpid(), child = fork();
	if (child < 0)
		fail_errno("could not fork");
	if (child == 0) {
		close(made[1]);
		if (read(made[0], &byte, 1) != 1)
			_exit(1);
		write_map(maker, "uid_map", uids);
		write_map(maker, "gid_map", gids);
		_exit(0);
	}
	close(made[0]);
	if (unshare(CLONE_NEWUSER) < 0)
		fail_errno("could not make a user namespace");
	if (write(made[1], "", 1) != 1)
		fail_errno("could not map the users of the container");
	close(made[1]);
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			fail_errno("could not map the users of the container");
	/* It has said why. */
	if (status)
		_exit(1);
	become_its_root();
}

static void print_map(pid_t process, const char *file)
{
	char path[64], text[4096];
	snprintf(path, sizeof path, "/proc/%d/%s", process, file);
	int map = open(path, O_RDONLY | O_CLOEXEC);
	if (map < 0)
		fail_errno("could not open %s", path);
	ssize_t n;
	while ((n = read(map, text, sizeof text)) > 0)
		write_all(STDOUT_FILENO, text, (size_t)n);
	close(map);
}

/* Who is in it sees them as from the namespace above, which need not be ours. */
int maps_main(const char *path)
{
	int inside[2];
	char byte;
	int namespace = open(path, O_RDONLY | O_CLOEXEC);
	if (namespace < 0 || pipe2(inside, O_CLOEXEC) < 0)
		fail_errno("could not open it");
	pid_t asker = getpid(), child = fork();
	if (child < 0)
		fail_errno("could not fork");
	if (child == 0) {
		if (setns(namespace, CLONE_NEWUSER) < 0)
			fail_errno("could not enter it");
		end_with(asker);
		if (write(inside[1], "", 1) == 1)
			pause();
		_exit(0);
	}
	close(inside[1]);
	if (read(inside[0], &byte, 1) != 1)
		return 1;
	print_map(child, "uid_map");
	write_all(STDOUT_FILENO, "", 1);
	print_map(child, "gid_map");
	kill(child, SIGKILL);
	return 0;
}

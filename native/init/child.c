#include "init.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

void end_with(pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
}

void end_with_parent(int alive)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (poll(&(struct pollfd){ alive, 0, 0 }, 1, 0) != 0)
		_exit(1);
}

int report_child(pid_t child, int ready, int answer, bool wait)
{
	char words[1100];
	ssize_t n = read(ready, words, sizeof words);
	if (n != 2 || memcmp(words, "ok", 2)) {
		waitpid(child, NULL, 0);
		if (n > 0)
			write_all(answer, words, (size_t)n);
		else
			fail("it ended at once");
		return 1;
	}
	dprintf(answer, "pid %d", child);
	if (!wait)
		return 0;
	close(answer);
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

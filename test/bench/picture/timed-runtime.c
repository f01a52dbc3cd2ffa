/*
 * Stands for a container runtime in an engine, and for a hook of dockerd's, to tell when each of their calls began and ended. Beside
 * it lie, under its own name with an ending:
 *   .runtime  a link to the runtime that it stands for
 *   .dockerd  a link to what the hook runs, with the path that dockerd gives it in config.json
 *   .log      a line "NAME BEGIN END" for each call, in milliseconds since 1970
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define HOOK "libnetwork-setkey"

enum { PATH_ROOM = 4096 };

/* Where it lies itself, and with an ending. */
static const char *self(const char *ending)
{
	static char path[PATH_ROOM];
	ssize_t length = readlink("/proc/self/exe", path, sizeof path - 16);
	if (length < 0)
		err(1, "/proc/self/exe");
	strcpy(path + length, ending);
	return path;
}

static double milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static const char *verb(char **arguments)
{
	static const char *const verbs[] = { "create", "start", "state", "kill", "delete", "update" };
	for (; *arguments; arguments++)
		for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
			if (!strcmp(*arguments, verbs[i]))
				return verbs[i];
	return "other";
}

/* Has the hook go through us: a bundle is the engine's own until its container is created. */
static void stand_for_hook(const char *bundle)
{
	static char text[1 << 20], path[PATH_ROOM], dockerd[PATH_ROOM] = "\"";
	snprintf(path, sizeof path, "%s/config.json", bundle);
	int file = open(path, O_RDWR | O_CLOEXEC);
	ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
	if (readlink(self(".dockerd"), dockerd + 1, sizeof dockerd - 3) < 0)
		err(1, "%s", self(".dockerd"));
	strcat(dockerd, "\"");
	char *hook = length < 0 ? NULL : strstr(text, dockerd);
	if (!hook)
		return;
	char *rest = hook + strlen(dockerd);
	if (ftruncate(file, 0) || lseek(file, 0, SEEK_SET))
		err(1, "%s", path);
	dprintf(file, "%.*s\"%s\"%s", (int)(hook - text), text, self(""), rest);
}

/* Runs it as we were run, and gives back its exit code. */
static int run(const char *program, const char *name, char **arguments)
{
	double begin = milliseconds();
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		execv(program, arguments);
		err(127, "%s", program);
	}
	waitpid(child, &status, 0);
	int log = open(self(".log"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	dprintf(log, "%s %.3f %.3f\n", name, begin, milliseconds());
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (!strcmp(argv[0], HOOK))
		return run(self(".dockerd"), "hook", argv);
	const char *name = verb(argv);
	for (int i = 1; i + 1 < argc && !strcmp(name, "create"); i++)
		if (!strcmp(argv[i], "--bundle"))
			stand_for_hook(argv[i + 1]);
	return run(self(".runtime"), name, argv);
}

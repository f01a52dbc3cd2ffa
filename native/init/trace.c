/*
 * What happened when, for `unikrun trace`, in the file TRACE_FILE of the state folder: a line of JSON for each event, which is written when
 * it comes first, so that no guest makes the file grow, and at once, so that it is there however we end. The runtime writes what its own
 * calls did into the same file (runtime/container/record/trace.ts). By the clock on the wall, since others have another monotonic one
 * (time_namespaces(7)). A line that can't be written is left out.
 */
#include "init.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = { EVENT_NAMES };
static bool had[EVENTS];
static int file = -1, throttling = -1;
static clockid_t vmm_clock;
static bool has_vmm;

void trace_open(int directory, const struct directives *d)
{
	const char *counts = directives_get(d, WORD_THROTTLING);
	file = openat(directory, TRACE_FILE, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	throttling = counts ? open(counts, O_RDONLY | O_CLOEXEC) : -1;
}

void trace_vmm(pid_t pid)
{
	has_vmm = clock_getcpuclockid(pid, &vmm_clock) == 0;
}

static long long microseconds(clockid_t clock)
{
	struct timespec t = { 0, 0 };
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* Lines of NAME NUMBER: in microseconds of cgroup v2, in nanoseconds of v1. */
static long long throttled(void)
{
	char text[512];
	if (throttling < 0)
		return 0;
	ssize_t n = lseek(throttling, 0, SEEK_SET) < 0 ? -1 : read(throttling, text, sizeof text - 1);
	long long time = 0;
	if (n <= 0)
		return 0;
	text[n] = '\0';
	const char *line = strstr(text, "throttled_");
	if (line && sscanf(line, "throttled_usec %lld", &time) != 1 && sscanf(line, "throttled_time %lld", &time) == 1)
		time /= 1000;
	return time;
}

static void note(enum event event, long value, long long cpu)
{
	char line[192];
	had[event] = true;
	int length = snprintf(line, sizeof line, "{\"event\":\"%s\",\"at\":%lld,\"value\":%ld,\"cpu\":%lld,\"throttled\":%lld}\n",
			      names[event], microseconds(CLOCK_REALTIME), value, cpu, throttled());
	(void)!write(file, line, (size_t)length);
}

void trace(enum event event, long value)
{
	if (file >= 0 && !had[event])
		note(event, value, has_vmm ? microseconds(vmm_clock) : 0);
}

void trace_gone(int status, const struct rusage *used)
{
	has_vmm = false;
	if (file >= 0 && !had[EVENT_GONE])
		note(EVENT_GONE, status,
		     (used->ru_utime.tv_sec + used->ru_stime.tv_sec) * 1000000LL + used->ru_utime.tv_usec + used->ru_stime.tv_usec);
}

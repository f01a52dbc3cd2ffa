/* Stands in e2fsck's place, and does what a hostile disk could make it do: what of these is said when it is compiled. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef FACTS
static void print_status(const char *key)
{
	char line[256];
	FILE *status = fopen("/proc/self/status", "r");
	while (status && fgets(line, sizeof line, status)) {
		char value[64];
		if (!strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), ":%63s", value) == 1)
			printf("%s=%s ", key, value);
	}
}

static void *thread(void *unused)
{
	return unused;
}

static int end(void)
{
	static const char *const keys[] = { "CapEff", "CapBnd", "NoNewPrivs", "Seccomp" };
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		print_status(keys[i]);
	printf("uid=%d pid=%d ", getuid(), getpid());
	printf("keyctl=%s ", syscall(SYS_keyctl, 0, -3, 0) < 0 ? strerrorname_np(errno) : "done");
	printf("socket=%s ", socket(AF_UNIX, SOCK_STREAM, 0) < 0 ? strerrorname_np(errno) : "done");
	pid_t child = fork();
	if (child == 0)
		_exit(0);
	printf("fork=%s ", child < 0 ? strerrorname_np(errno) : "done");
	pthread_t other;
	printf("thread=%s ", pthread_create(&other, NULL, thread, NULL) ? "none" : "done");
	printf("sys=%s ", access("/proc/sys", F_OK) ? "none" : "there");
	printf("etc=%s ", access("/etc/passwd", F_OK) ? "none" : "there");
	struct rlimit cpu, size;
	getrlimit(RLIMIT_CPU, &cpu);
	getrlimit(RLIMIT_FSIZE, &size);
	printf("cpu=%ld size=%ld\n", (long)cpu.rlim_cur, (long)size.rlim_cur);
	return 8;
}
#endif

#ifdef GREEDY
static int end(void)
{
	enum { MOST = 64 };
	long got = 0;
	while (got < MOST && mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED)
		got++;
	printf("%s\n", got < MOST ? "memory is limited" : "there is no limit");
	return 8;
}
#endif

#ifdef ENDLESS
/* Nobody hears of its end by what it says, and it takes no CPU time. */
static int end(void)
{
	int disk = open("/proc/self/fd/3", O_RDWR);
	if (disk < 0 || pwrite(disk, "begun", 5, 0) != 5)
		return 8;
	for (int each = 1; each < NSIG; each++)
		signal(each, SIG_IGN);
	for (int fd = 0; fd <= 2; fd++)
		close(fd);
	for (;;)
		pause();
}
#endif

#ifdef BUSY
static int end(void)
{
	for (volatile int i = 0;; i++)
		;
}
#endif

int main(void)
{
	return end();
}

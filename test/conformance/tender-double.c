/*
 * What stands for a tender of Solo5's in the tests: it takes the same options, opens the same things, and limits itself before its "guest"
 * begins, which is a part of it: that says what it was given, and does what its command line says.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <net/if.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of the file that it runs (Solo5's include/elf_abi.h). */
enum { VERSION = 2, ABORTED = 255 };

static int tap = -1, disk = -1;
static uint8_t mac[6];
static char line[8192];
/* Nothing is printed before the guest runs. */
static FILE *said;
static char *given;
static size_t given_length;

static void attach_tap(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	snprintf(request.ifr_name, sizeof request.ifr_name, "%.15s", name);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) < 0)
		err(1, "Could not attach interface: %s", name);
	int socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (socket_fd < 0 || ioctl(socket_fd, SIOCGIFMTU, &request) < 0)
		err(1, "Could not find the MTU of %s", name);
	fprintf(said, "card of %d bytes\n", request.ifr_mtu);
	close(socket_fd);
}

static void take_option(const char *option)
{
	char name[68], value[256];
	if (sscanf(option, "--net-mac:%67[A-Za-z0-9]=%255s", name, value) == 2) {
		fprintf(said, "card %s has %s\n", name, value);
		sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4, mac + 5);
	} else if (sscanf(option, "--net:%67[A-Za-z0-9]=%255s", name, value) == 2) {
		attach_tap(value);
	} else if (sscanf(option, "--block:%67[A-Za-z0-9]=%255s", name, value) == 2) {
		disk = open(value, O_RDWR);
		if (disk < 0)
			err(1, "Could not open block device: %s", value);
		fprintf(said, "disk %s of %ld bytes\n", name, (long)lseek(disk, 0, SEEK_END));
	} else if (strncmp(option, "--mem=", 6)) {
		errx(1, "Invalid option: `%s'", option);
	} else {
		fprintf(said, "memory %s\n", option + 6);
	}
}

static void check_kernel(const char *path)
{
	static char bytes[1 << 16];
	int kernel = open(path, O_RDONLY);
	ssize_t length = kernel < 0 ? -1 : read(kernel, bytes, sizeof bytes);
	if (length < 0)
		err(1, "%s: Could not open", path);
	const char *note = memmem(bytes, (size_t)length, "ABI1Solo5", 9);
	uint32_t version = 0;
	if (note)
		memcpy(&version, note + 16, sizeof version);
	if (version != VERSION)
		errx(1, "%s: Executable requests unsupported ABI version %u", path, version);
	close(kernel);
}

static void tell_cage(void)
{
	DIR *root = opendir("/");
	struct dirent *entry;
	fprintf(said, "root:");
	while (root && (entry = readdir(root)))
		if (entry->d_name[0] != '.')
			fprintf(said, " %s", entry->d_name);
	fprintf(said, "\nuid %s, new privileges %s\n", getuid() >= 0x70000000 ? "own" : "shared",
	       prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "never" : "possible");
	/* As the real ones, that refuse to run with some. */
	if (personality(0xffffffff) == -1 || personality(ADDR_NO_RANDOMIZE) != -1)
		errx(1, "the personality can't be asked for, or can be changed");
	closedir(root);
}

static void limit_calls(void)
{
	/* After it was frozen the kernel restarts poll. */
	static const unsigned allowed[] = {
		SYS_read, SYS_write, SYS_pread64, SYS_pwrite64, SYS_poll, SYS_restart_syscall, SYS_exit_group,
	};
	enum { CALLS = sizeof allowed / sizeof *allowed };
	struct sock_filter filter[2 + 2 * CALLS] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)) };
	for (size_t i = 0; i < CALLS; i++) {
		filter[1 + 2 * i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allowed[i], 0, 1);
		filter[2 + 2 * i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	}
	filter[1 + 2 * CALLS] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	struct sock_fprog program = { 2 + 2 * CALLS, filter };
	/* A question first, as libseccomp asks what there is. */
	syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL);
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) < 0)
		err(1, "seccomp");
}

static void say(const char *text)
{
	(void)!write(1, text, strlen(text));
}

/* Whoever asks for an address is told that it is here. */
static void answer_arp(void)
{
	uint8_t frame[2048];
	for (;;) {
		struct pollfd ready = { tap, POLLIN, 0 };
		poll(&ready, 1, -1);
		ssize_t n = read(tap, frame, sizeof frame);
		if (n < 42 || frame[12] != 8 || frame[13] != 6 || frame[21] != 1)
			continue;
		uint8_t wanted[4];
		memcpy(wanted, frame + 38, 4);
		memcpy(frame + 32, frame + 22, 10);
		memcpy(frame + 22, mac, 6);
		memcpy(frame + 28, wanted, 4);
		memcpy(frame, frame + 6, 6);
		memcpy(frame + 6, mac, 6);
		frame[21] = 2;
		(void)!write(tap, frame, 42);
		say("asked\n");
	}
}

static _Noreturn void run_guest(void)
{
	char block[512] = "written by the guest";
	say("command line: ");
	say(line);
	say("\n");
	if (!strncmp(line, "exit ", 5))
		syscall(SYS_exit_group, atoi(line + 5));
	if (!strncmp(line, "abort", 5)) {
		say("Solo5: solo5_abort() called\n");
		syscall(SYS_exit_group, ABORTED);
	}
	if (!strncmp(line, "fault", 5))
		*(volatile int *)8 = 1;
	if (!strncmp(line, "call", 4))
		syscall(SYS_getpid);
	if (!strncmp(line, "fail", 4)) {
		(void)!write(2, "tender: lost its way\n", 21);
		syscall(SYS_exit_group, 1);
	}
	if (strstr(line, "write"))
		syscall(SYS_exit_group, pwrite(disk, block, sizeof block, 0) == sizeof block ? 0 : 9);
	if (strstr(line, "network"))
		answer_arp();
	for (;;)
		poll(NULL, 0, -1);
}

int main(int argc, char **argv)
{
	(void)argc;
	said = open_memstream(&given, &given_length);
	for (argv++; *argv && strcmp(*argv, "--"); argv++)
		take_option(*argv);
	if (!*argv || !argv[1])
		errx(1, "Missing KERNEL operand");
	check_kernel(argv[1]);
	for (argv += 2; *argv; argv++)
		snprintf(line + strlen(line), sizeof line - strlen(line), "%s%s", *argv, argv[1] ? " " : "");
	tell_cage();
	fclose(said);
	limit_calls();
	say(given);
	run_guest();
}

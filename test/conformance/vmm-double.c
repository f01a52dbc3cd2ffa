/*
 * What stands for QEMU where a test needs a KVM that it can choose: emulation (any accelerator but kvm) takes 0.2 s of CPU time;
 * on KVM it is GOOD, takes far longer (SLOW), stands still (STILL), or says what it is given and fails (TELLS).
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { GOOD, SLOW, STILL, TELLS, DONE = 67 };

static void burn(double seconds)
{
	struct timespec used;
	do
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	while ((double)used.tv_sec + (double)used.tv_nsec / 1e9 < seconds);
}

static int tell(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct sets[2];
	struct stat node = { 0 };
	syscall(SYS_capget, &header, sets);
	stat("/dev/kvm", &node);
	fprintf(stderr, "account=%s groups=%d capabilities=%x,%x new=%s kvm=%o,%s host=%s\n", getuid() >= 0x70000000 ? "own" : "shared",
		getgroups(0, NULL), sets[0].permitted, sets[1].permitted,
		prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? "never" : "possible", node.st_mode & 07777,
		node.st_uid == getuid() ? "own" : "other", access("/etc/passwd", F_OK) == 0 ? "there" : "away");
	return 1;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "-L"))
		return puts("/usr/share/qemu") < 0;
	int on_kvm = 0;
	for (int i = 1; i < argc; i++)
		on_kvm |= !strcmp(argv[i], "kvm");
	if (!on_kvm)
		burn(0.2);
	else if (ON_KVM == SLOW)
		burn(1e9);
	else if (ON_KVM == STILL)
		pause();
	else if (ON_KVM == TELLS)
		return tell();
	return DONE;
}

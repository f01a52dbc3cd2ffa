#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifdef __x86_64__
#define ARCHITECTURE AUDIT_ARCH_X86_64
#else
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

/* All that is done once everything is open: carrying bytes, memory, time, signals and the end. */
static const unsigned common[] = {
	SYS_read, SYS_readv, SYS_write, SYS_writev, SYS_close, SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg, SYS_shutdown,
#ifdef SYS_poll
	SYS_poll,
#endif
	SYS_ppoll, SYS_clock_gettime, SYS_nanosleep, SYS_clock_nanosleep, SYS_brk, SYS_munmap, SYS_mremap, SYS_madvise,
	SYS_getrandom, SYS_futex, SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_rt_sigreturn, SYS_restart_syscall, SYS_exit, SYS_exit_group,
	/* glibc looks at what it prints to. */
	SYS_fstat, SYS_newfstatat, SYS_lseek,
};
static const unsigned init_only[] = { SYS_accept4, SYS_kill, SYS_wait4, SYS_waitid, SYS_getsockopt };
static const unsigned tools_only[] = { SYS_connect, SYS_getsockopt, SYS_setsockopt };
/* Never for code. */
static const unsigned memory[] = { SYS_mmap, SYS_mprotect };

enum { ROOM = 160 };

static void add(struct sock_fprog *program, struct sock_filter instruction)
{
	if (program->len == ROOM)
		fail("the filter of system calls is too long");
	program->filter[program->len++] = instruction;
}

static void allow(struct sock_fprog *program, const unsigned *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1));
		add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	}
}

static void allow_data(struct sock_fprog *program, unsigned number)
{
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

#define LIST(list) list, sizeof list / sizeof *list

/* Whatever takes over this process by what a guest says can open, run and change nothing: any other call fails with EPERM. */
static void filter_calls(const unsigned *own, size_t count)
{
	struct sock_filter room[ROOM];
	struct sock_fprog program = { .filter = room };
	add(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	add(&program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	add(&program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	allow(&program, LIST(common));
	allow(&program, own, count);
	for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
		allow_data(&program, memory[i]);
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		fail_errno("could not limit system calls");
}

void filter_init(void)
{
	filter_calls(LIST(init_only));
}

void filter_tool(void)
{
	filter_calls(LIST(tools_only));
}

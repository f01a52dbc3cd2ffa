#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

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

enum { ROOM = 192 };

static void add(struct sock_fprog *program, struct sock_filter instruction)
{
	if (program->len == ROOM)
		fail("the filter of system calls is too long");
	program->filter[program->len++] = instruction;
}

/* Calls of another architecture would have other numbers; then the number of this one is at hand. */
static void begin(struct sock_fprog *program)
{
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS));
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
}

static void put_on(const struct sock_fprog *program)
{
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) < 0)
		fail_errno("could not limit system calls");
}

static void allow(struct sock_fprog *program, const unsigned *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1));
		add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	}
}

static void need_argument(struct sock_fprog *program, size_t argument, uint32_t value)
{
	size_t at = offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t);
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)at));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 1, 0));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

/* TCP by IPv4, for look-ups (network/stream.c). The guest itself connects in this network namespace to whomever it wants. */
static void allow_streams(struct sock_fprog *program)
{
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 7));
	need_argument(program, 0, AF_INET);
	need_argument(program, 1, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_connect, 0, 4));
	need_argument(program, 2, sizeof(struct sockaddr_in));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
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
static void filter_calls(const unsigned *own, size_t count, bool streams)
{
	struct sock_filter room[ROOM];
	struct sock_fprog program = { .filter = room };
	begin(&program);
	allow(&program, LIST(common));
	allow(&program, own, count);
	for (size_t i = 0; i < sizeof memory / sizeof *memory; i++)
		allow_data(&program, memory[i]);
	if (streams)
		allow_streams(&program);
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	put_on(&program);
}

/*
 * What the VMM is denied besides QEMU's own filter, which leaves most of it: what Docker's default profile keeps from a container
 * (moby's profiles/seccomp), as far as a process without capabilities could still do something by it.
 */
static const unsigned never_vmm[] = {
	SYS_add_key, SYS_keyctl, SYS_request_key, SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_fanotify_init,
	SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev,
	SYS_kcmp, SYS_pidfd_getfd, SYS_unshare, SYS_setns, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_move_mount,
	SYS_open_tree, SYS_fsopen, SYS_fsconfig, SYS_fsmount, SYS_fspick, SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_quotactl,
	SYS_acct, SYS_swapon, SYS_swapoff, SYS_reboot, SYS_kexec_load, SYS_init_module, SYS_finit_module, SYS_delete_module,
	SYS_syslog, SYS_settimeofday, SYS_clock_settime, SYS_clock_adjtime, SYS_adjtimex, SYS_sethostname,
	SYS_setdomainname, SYS_vhangup, SYS_lookup_dcookie, SYS_move_pages, SYS_mbind, SYS_migrate_pages,
#ifdef SYS_kexec_file_load
	SYS_kexec_file_load,
#endif
#ifdef SYS_ioperm
	SYS_ioperm, SYS_iopl, SYS_modify_ldt,
#endif
};
/* Host processes listen there, whatever the network namespace. */
enum { FAMILY_VSOCK = 40 };
#define NAMESPACES 0x7e020080 /* CLONE_NEW*, sched.h */
#define THREAD 0x00010000 /* CLONE_THREAD */

static void deny(struct sock_fprog *program, uint32_t jump, uint32_t value)
{
	add(program, (struct sock_filter){ (uint16_t)(BPF_JMP | jump | BPF_K), 0, 1, value });
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

/* Goes on behind this and the next three where it is another call. */
static void deny_by_argument(struct sock_fprog *program, unsigned number, uint32_t jump, uint32_t value)
{
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4));
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
	deny(program, jump, value);
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

/* It may ask what it has, and a tender does. */
static void deny_personality(struct sock_fprog *program)
{
	enum { QUESTION = 0xffffffff };
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_personality, 0, 4));
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, QUESTION, 1, 0));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

static void deny_to_all(struct sock_fprog *program)
{
	begin(program);
	for (size_t i = 0; i < sizeof never_vmm / sizeof *never_vmm; i++)
		deny(program, BPF_JEQ, never_vmm[i]);
	deny_personality(program);
}

static void deny_for_vmm(struct sock_fprog *program)
{
	deny_to_all(program);
	deny_by_argument(program, SYS_socket, BPF_JEQ, FAMILY_VSOCK);
	deny_by_argument(program, SYS_clone, BPF_JSET, NAMESPACES);
}

void filter_vmm(void)
{
	struct sock_filter room[ROOM];
	struct sock_fprog program = { .filter = room };
	deny_for_vmm(&program);
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	put_on(&program);
}

/* Beside all that, what QEMU's own filter denies to a VMM: another process. Nor has it anybody to talk to. */
static const unsigned never_checker[] = {
	SYS_socket, SYS_socketpair, SYS_execveat, SYS_memfd_create,
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
};

/* Threads are made by clone(2), since what clone3(2) is to make can't be seen: the C library takes that for an old kernel. */
static void allow_threads_only(struct sock_fprog *program)
{
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 3));
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, THREAD, 1, 0));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
}

void filter_checker(void)
{
	struct sock_filter room[ROOM];
	struct sock_fprog program = { .filter = room };
	deny_to_all(&program);
	for (size_t i = 0; i < sizeof never_checker / sizeof *never_checker; i++)
		deny(&program, BPF_JEQ, never_checker[i]);
	allow_threads_only(&program);
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	put_on(&program);
}

/* The call waits for whoever has the filter's listener where `argument`, behind `mask`, is `value`. */
static void ask_by_argument(struct sock_fprog *program, unsigned number, unsigned argument, uint32_t mask, uint32_t value)
{
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 5));
	add(program, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						  (uint32_t)(offsetof(struct seccomp_data, args) + argument * sizeof(uint64_t))));
	add(program, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
	add(program, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
	add(program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
}

int filter_tender(void)
{
	struct sock_filter room[ROOM];
	struct sock_fprog program = { .filter = room };
	deny_for_vmm(&program);
	ask_by_argument(&program, SYS_openat, 2, O_ACCMODE, O_RDWR);
#ifdef SYS_open
	ask_by_argument(&program, SYS_open, 1, O_ACCMODE, O_RDWR);
#endif
	ask_by_argument(&program, SYS_ioctl, 1, ~0U, TUNSETIFF);
	ask_by_argument(&program, SYS_seccomp, 0, ~0U, SECCOMP_SET_MODE_FILTER);
	add(&program, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	if (listener < 0)
		fail_errno("could not limit the tender's system calls");
	return listener;
}

void filter_init(bool looks_up)
{
	filter_calls(LIST(init_only), looks_up);
}

void filter_tool(void)
{
	filter_calls(LIST(tools_only), false);
}

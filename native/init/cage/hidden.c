#define _GNU_SOURCE
#include "cage/cage.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Everybody on the host can read the arguments that a process is executed with (/proc/PID/cmdline), and a tender is told its guest's by no
 * other way. So it is executed without, stops before its first instruction, and gets them on its stack: the kernel shows what it put there
 * itself.
 */

#ifdef __x86_64__
#define STACK_POINTER(registers) ((registers).rsp)
#else
#define STACK_POINTER(registers) ((registers).sp)
#endif

enum { MOST_WORDS = 4096, ALIGNMENT = 16 };

void hide_arguments(void)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
		fail_errno("could not keep the guest's arguments from others on the host (see the sysctl kernel.yama.ptrace_scope)");
}

/* What the kernel put there for a new program (the System V ABI's initial stack): argc, argv, environment and auxiliary vector. */
static size_t read_stack(pid_t pid, unsigned long at, unsigned long *words)
{
	size_t count = 0, ends = 0;
	bool is_name = true;
	while (count < MOST_WORDS) {
		errno = 0;
		words[count] = (unsigned long)ptrace(PTRACE_PEEKDATA, pid, (void *)(at + count * sizeof *words), NULL);
		if (errno)
			fail_errno("could not read the tender's stack");
		unsigned long word = words[count++];
		/* Behind two lists that end with 0 come pairs, the last of which begins with 0. */
		if (ends < 2) {
			ends += count > 1 && !word;
			continue;
		}
		if (!is_name && !words[count - 2])
			return count;
		is_name = !is_name;
	}
	fail("the tender has too much on its stack");
}

static void write_words(pid_t pid, unsigned long at, const void *data, size_t length)
{
	for (size_t i = 0; i < length; i += sizeof(long)) {
		long word = 0;
		memcpy(&word, (const char *)data + i, length - i < sizeof word ? length - i : sizeof word);
		if (ptrace(PTRACE_POKEDATA, pid, (void *)(at + i), (void *)word) < 0)
			fail_errno("could not write the tender's stack");
	}
}

static void append(pid_t pid, const char *text)
{
	static unsigned long words[MOST_WORDS + 1];
	struct user_regs_struct registers;
	struct iovec place = { &registers, sizeof registers };
	if (ptrace(PTRACE_GETREGSET, pid, (void *)NT_PRSTATUS, &place) < 0)
		fail_errno("could not find the tender's stack");
	unsigned long top = STACK_POINTER(registers);
	size_t count = read_stack(pid, top, words), end = words[0] + 1;
	unsigned long at = (top - strlen(text) - 1) & ~(unsigned long)(ALIGNMENT - 1);
	memmove(words + end + 1, words + end, (count - end) * sizeof *words);
	words[end] = at;
	words[0]++;
	count++;
	write_words(pid, at, text, strlen(text) + 1);
	at = (at - count * sizeof *words) & ~(unsigned long)(ALIGNMENT - 1);
	write_words(pid, at, words, count * sizeof *words);
	STACK_POINTER(registers) = at;
	if (ptrace(PTRACE_SETREGSET, pid, (void *)NT_PRSTATUS, &place) < 0)
		fail_errno("could not give the tender its stack");
}

bool tell_hidden(pid_t pid, const char *text, int *status)
{
	for (;;) {
		if (waitpid(pid, status, 0) < 0) {
			if (errno != EINTR)
				fail_errno("could not wait for the tender");
			continue;
		}
		if (!WIFSTOPPED(*status))
			return false;
		if (WSTOPSIG(*status) == SIGTRAP)
			break;
		ptrace(PTRACE_CONT, pid, NULL, (void *)(long)WSTOPSIG(*status));
	}
	append(pid, text);
	if (ptrace(PTRACE_DETACH, pid, NULL, NULL) < 0)
		fail_errno("could not let the tender go");
	return true;
}

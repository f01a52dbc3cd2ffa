/*
 * What runs in dist/unikrun before anything of Bun's does: scripts/lib/entry.ts makes it the entry point. Bun and its allocator
 * obey variables of their caller's environment (BUN_BE_BUN makes it another program), and crash where they get too little
 * memory. Here the variables are hidden from them; native/caller.ts finds them again for a runtime that unikrun hands on to.
 * The calls that need no JavaScript are done here, too (quick.c).
 *
 * It stands alone: no libc, no data of its own that is written, any address.
 */
#include "system.h"

#include <fcntl.h>
#include <linux/mman.h>
#include <linux/resource.h>

/* scripts/lib/entry.ts puts Bun's own entry point in the place of this number. */
__asm__(".globl entry\n"
	"entry:\n"
	"	push %rdx\n" /* for Bun, as is the stack */
	"	mov %rsp, %rdi\n"
	"	push %rdx\n"
	"	call prepare\n"
	"	pop %rdx\n"
	"	pop %rdx\n"
	"	movabs $0x1122334455667788, %rax\n"
	"	jmp *%rax\n");

static unsigned long length(const char *text)
{
	unsigned long n = 0;
	while (text[n])
		n++;
	return n;
}

static void put(int fd, const char *text)
{
	call(__NR_write, fd, (long)text, (long)length(text));
}

/* Letters of either case, as mimalloc reads names; `prefix` is in capitals. */
static int begins(const char *text, const char *prefix)
{
	for (; *prefix; text++, prefix++)
		if (*text != *prefix && (*text & ~0x20) != *prefix)
			return 0;
	return 1;
}

static int is_bun_variable(const char *variable)
{
	return begins(variable, "BUN_") || begins(variable, "MIMALLOC_") || begins(variable, "NODE_") ||
	       begins(variable, "JSC_") || begins(variable, "WTF_");
}

/* With less Bun ends in a trace; with little more main.ts can say so itself. */
static const char *lacks(void)
{
	struct rlimit stack, space, data;
	call(__NR_getrlimit, RLIMIT_STACK, (long)&stack, 0);
	call(__NR_getrlimit, RLIMIT_AS, (long)&space, 0);
	call(__NR_getrlimit, RLIMIT_DATA, (long)&data, 0);
	if (stack.rlim_cur < 256UL << 10)
		return "stack (LimitSTACK";
	if (space.rlim_cur < 512UL << 20)
		return "address space (LimitAS";
	return data.rlim_cur < 512UL << 20 ? "data (LimitDATA" : 0;
}

static void complain(int fd, const char *before, const char *what, const char *after)
{
	put(fd, before);
	put(fd, "unikrun can't run with so small a limit on its ");
	put(fd, what);
	put(fd, "=): raise it in the unit of the service that calls it.");
	put(fd, after);
}

/* Engines show what their log has in it. */
static void complain_to_log(char **arguments, const char *what)
{
	for (; *arguments && arguments[1]; arguments++) {
		if (!begins(*arguments, "--LOG") || (*arguments)[5])
			continue;
		long fd = call(__NR_open, (long)arguments[1], O_WRONLY | O_CREAT | O_APPEND, 0644);
		if (fd >= 0)
			complain((int)fd, "{\"level\":\"error\",\"msg\":\"", what, "\"}\n");
	}
}

/*
 * Bun opens what is closed for writing, and an answer would be lost without a word. As glibc does for programs with privileges, so that
 * the number is nobody else's, and a write to it fails as if it were closed.
 */
static void hold_closed(void)
{
	for (long fd = 0; fd <= 1; fd++)
		if (call(__NR_fcntl, fd, F_GETFD, 0) < 0)
			call(__NR_open, (long)"/dev/null", O_RDONLY, 0);
}

/* What Bun changes for good, where native/caller.ts finds it. */
static void keep(void)
{
	const long place = 0x500000000000, flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, ignored = 1;
	struct {
		long handler, flags, restorer, mask;
	} action;
	struct rlimit files;
	long *kept = (long *)call_more(__NR_mmap, place, 4096, PROT_READ | PROT_WRITE, flags, -1);
	if ((long)kept != place)
		return;
	call(__NR_getrlimit, RLIMIT_NOFILE, (long)&files, 0);
	kept[0] = (long)files.rlim_cur;
	for (long signal = 1; signal < 32; signal++) {
		call_more(__NR_rt_sigaction, signal, 0, (long)&action, sizeof(action.mask), 0);
		if (action.handler == ignored)
			kept[1] |= 1L << signal;
	}
}

/* `stack`: a word of ours, then as the kernel made it: the number of arguments, those, NULL, variables, NULL. */
__attribute__((used)) static void prepare(long *stack)
{
	char **arguments = (char **)(stack + 2), **variable = arguments + stack[1] + 1;
	for (; *variable; variable++)
		if (is_bun_variable(*variable))
			**variable ^= 0x40;
	const char *what = lacks();
	if (!what) {
		hold_closed();
		try_quick(arguments + 1, arguments + stack[1] + 1);
		keep();
		return;
	}
	complain(2, "unikrun: error: ", what, "\n");
	complain_to_log(arguments, what);
	call(__NR_exit_group, 1, 0, 0);
}

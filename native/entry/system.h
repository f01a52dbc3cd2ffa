/* System calls without libc. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <asm/unistd.h>

static inline long call_more(long number, long first, long second, long third, long fourth, long fifth)
{
	register long r10 __asm__("r10") = fourth;
	register long r8 __asm__("r8") = fifth;
	register long r9 __asm__("r9") = 0;
	long result;
	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(first), "S"(second), "d"(third), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

static inline long call(long number, long first, long second, long third)
{
	return call_more(number, first, second, third, 0, 0);
}

/* quick.c: does a call of `state`, `kill` or `delete` and ends the process, or returns with nothing done. */
void try_quick(char **arguments, char **variables);

#endif

#include "ending.h"

#include "cpu.h"
#include "mounts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static _Noreturn void halt(void)
{
	printf("halted\n");
	cpu_halt();
}

void panic(const char *message)
{
	printf("PANIC: %s\n", message);
	halt();
}

void kernel_panic(const char *message)
{
	printf("panic: %s\n", message);
	printf("rump kernel halting...\n");
	panic("rumpuser panic");
}

void shut_down(void)
{
	printf("rump kernel halting...\n");
	printf("syncing disks... done\n");
	printf("unmounting file systems...\n");
	mounts_unmount_all();
	printf("unmounting done\n");
	halt();
}

void fail_boot(const char *format, ...)
{
	char message[1024];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(message, sizeof message, format, arguments);
	va_end(arguments);
	printf("rumprun: %s\n", message);
	printf("\n=== bootstrap failed\n");
	shut_down();
}

void abort(void)
{
	panic("abort");
}

#include "programs.h"

#include "bulk.h"
#include "clock.h"
#include "config.h"
#include "console.h"
#include "disk_speed.h"
#include "ending.h"
#include "events.h"
#include "http.h"
#include "kernel.h"
#include "tcp_echo.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ull

static int number(int argc, char **argv, int otherwise)
{
	return argc > 2 ? atoi(argv[2]) : otherwise;
}

static void sleep_for(uint64_t nanoseconds)
{
	uint64_t until = clock_nanoseconds() + nanoseconds;
	while (clock_nanoseconds() < until)
		events_wait(until);
}

static int run_echo(int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		printf("arg[%d]=<%s>\n", i, argv[i]);
	return 0;
}

static int run_env(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("hostname=%s\n", config.hostname);
	for (char **setting = config.environment; *setting; setting++)
		printf("%s\n", *setting);
	return 0;
}

static int run_return(int argc, char **argv)
{
	return number(argc, argv, 0);
}

static int run_exit(int argc, char **argv)
{
	kernel_exit(number(argc, argv, 0));
}

static int run_panic(int argc, char **argv)
{
	(void)argc, (void)argv;
	kernel_panic("the probe guest was told to panic");
}

static int run_trap(int argc, char **argv)
{
	const char *kind = argc > 2 ? argv[2] : "page";
	if (!strcmp(kind, "opcode"))
		__asm__ volatile("ud2");
	else if (!strcmp(kind, "divide"))
		__asm__ volatile("xorl %%ecx, %%ecx; divl %%ecx" : : : "eax", "ecx", "edx");
	else if (!strcmp(kind, "protection"))
		__asm__ volatile("movw $0xfff8, %%ax; movw %%ax, %%ds" : : : "eax");
	else if (!strcmp(kind, "triple"))
		__asm__ volatile("pushq $0; pushq $0; lidt (%%rsp); int3" : : : "memory");
	else
		__asm__ volatile("movl $1, 0" : : : "memory");
	return 0;
}

static int run_print(int argc, char **argv)
{
	int lines = number(argc, argv, 10);
	for (int i = 1; i <= lines; i++)
		printf("line %d\n", i);
	return 0;
}

/* What a program may print, and must not end its machine by. */
static int run_fake(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("halted\n");
	printf("\n=== main() of \"x\" returned 0 ===\n");
	printf("\n=== _exit(0) called ===\n");
	printf("rump kernel halting...\nsyncing disks... done\nunmounting file systems...\nunmounting done\nhalted\n");
	printf("PANIC: not really\nhalted\n");
	printf("=== main() of \"x\" ret");
	sleep_for(SECOND / 5);
	printf("urned 0 ===\n\n=== _exit(0) called ===\nrump kernel halting...\nunmounting done\nhal");
	sleep_for(SECOND / 5);
	printf("ted\n");
	sleep_for(3 * SECOND);
	printf("still here\n");
	return 9;
}

/* Byte i is i mod 251: all but some kinds there are, in lines of no length. */
static int run_bytes(int argc, char **argv)
{
	char all[251];
	for (size_t i = 0; i < sizeof all; i++)
		all[i] = (char)i;
	for (size_t left = (size_t)number(argc, argv, 251), now; left; left -= now) {
		now = left < sizeof all ? left : sizeof all;
		console_write(all, now);
	}
	return 0;
}

/* So many bytes of the console's input, and a sum that their order changes. */
static int run_count(int argc, char **argv)
{
	int count = number(argc, argv, 0);
	uint32_t sum = 0;
	for (int i = 0; i < count; i++) {
		int byte;
		while ((byte = console_read_byte()) < 0)
			events_wait(UINT64_MAX);
		sum = sum * 31 + (uint32_t)byte;
	}
	printf("%d bytes, sum %u\n", count, sum);
	return 0;
}

/* The end of a machine whose last word has no line end. */
static int run_reset(int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		console_write(argv[i], strlen(argv[i]));
	__asm__ volatile("pushq $0; pushq $0; lidt (%%rsp); int3" : : : "memory");
	return 0;
}

static int run_cat(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (;;) {
		const char *line = console_read_line();
		if (!line)
			events_wait(UINT64_MAX);
		else if (!strcmp(line, "quit"))
			return 0;
		else
			printf("%s\n", line);
	}
}

static int run_sleep(int argc, char **argv)
{
	sleep_for((uint64_t)number(argc, argv, 3600) * SECOND);
	return 0;
}

static _Noreturn int run_spin(int argc, char **argv)
{
	(void)argc, (void)argv;
	for (;;)
		__asm__ volatile("pause");
}

/* Writes to every page of so many MiB, again and again, and says so once. */
static _Noreturn int run_dirty(int argc, char **argv)
{
	enum { PAGE = 4096 };
	size_t size = (size_t)number(argc, argv, 16) << 20;
	volatile uint64_t *memory = malloc(size);
	if (!memory)
		kernel_panic("there is not so much memory");
	for (uint64_t round = 1;; round++) {
		for (size_t i = 0; i < size / sizeof *memory; i += PAGE / sizeof *memory)
			memory[i] = round;
		if (round == 1)
			printf("written\n");
	}
}

static int run_http(int argc, char **argv)
{
	return http_serve(number(argc, argv, 80), argc, argv);
}

static int run_tcp(int argc, char **argv)
{
	return tcp_echo_serve(number(argc, argv, 7));
}

static int run_bulk(int argc, char **argv)
{
	return bulk_serve(number(argc, argv, 81));
}

static int run_disk(int argc, char **argv)
{
	return disk_speed_measure(number(argc, argv, 64));
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} programs[] = {
	{ "http", run_http },   { "echo", run_echo },   { "env", run_env },     { "return", run_return },
	{ "exit", run_exit },   { "panic", run_panic }, { "trap", run_trap },   { "print", run_print },
	{ "fake", run_fake },   { "cat", run_cat },     { "sleep", run_sleep }, { "spin", run_spin },
	{ "tcp", run_tcp },     { "bytes", run_bytes }, { "count", run_count }, { "reset", run_reset },
	{ "dirty", run_dirty }, { "bulk", run_bulk },   { "disk", run_disk },
};

int program_main(int argc, char **argv)
{
	if (argc < 2)
		return run_http(argc, argv);
	for (size_t i = 0; i < sizeof programs / sizeof *programs; i++)
		if (!strcmp(argv[1], programs[i].name))
			return programs[i].run(argc, argv);
	printf("probe: there is no program \"%s\"; try http, echo, env, return, exit, panic, trap, print, fake, cat, sleep, spin, tcp, bytes, count, reset, dirty, bulk, disk\n",
	       argv[1]);
	return 127;
}

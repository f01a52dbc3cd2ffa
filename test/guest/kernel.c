#include "clock.h"
#include "config.h"
#include "console.h"
#include "cpu.h"
#include "ending.h"
#include "kernel.h"
#include "memory.h"
#include "mounts.h"
#include "multiboot.h"
#include "network.h"
#include "programs.h"
#include "proxy.h"
#include "resolver.h"
#include "virtio.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { COMMAND_LINE_SIZE = 4096, PROGRAM_SLOTS = 8 };

#define TOO_LONG "command line too long, increase BMK_MULTIBOOT_CMDLINE_SIZE"

/* Says to whoever looks into the file what it is; nothing reads it at run time. */
static const struct {
	uint32_t name_length, text_length, type;
	char name[8], text[28];
} note __attribute__((section(".note.unikrun"), used, aligned(4))) = {
	8, 28, 1, "unikrun", "probe guest, no rump kernel",
};

static char command_line[COMMAND_LINE_SIZE];

void kernel_main(const struct multiboot_info *info);

static void copy_module(const struct multiboot_info *info)
{
	const struct multiboot_module *module = (const void *)(uintptr_t)info->modules;
	size_t length = module->end - module->start;
	if (length >= COMMAND_LINE_SIZE - 1)
		panic(TOO_LONG);
	printf("multiboot: Using configuration from %s\n", module->name ? (const char *)(uintptr_t)module->name : "(unnamed module)");
	memcpy(command_line, (const void *)(uintptr_t)module->start, length);
}

/* Before anything is allocated: the loader left these texts in what becomes free memory. */
static void copy_configuration(const struct multiboot_info *info)
{
	if (info->flags & MULTIBOOT_HAS_MODULES && info->module_count && info->modules) {
		copy_module(info);
		return;
	}
	if (!(info->flags & MULTIBOOT_HAS_COMMAND_LINE))
		return;
	const char *text = (const char *)(uintptr_t)info->command_line;
	size_t length = strlen(text);
	if (length >= COMMAND_LINE_SIZE)
		panic(TOO_LONG);
	memcpy(command_line, text, length);
}

static _Noreturn void run_next(void)
{
	static int slot;
	const struct execution *execution = &config.executions[0];
	if (slot == PROGRAM_SLOTS || (slot && execution->from_cmdline))
		shut_down();
	if (slot == config.execution_count) {
		printf("out of argv entries\n");
		shut_down();
	}
	execution = &config.executions[slot++];
	const char *name = execution->argv[0];
	printf("\n=== calling \"%s\" main() ===\n\n", name);
	int code = program_main(execution->argc, execution->argv);
	printf("\n=== main() of \"%s\" returned %d ===\n", name, code);
	kernel_exit(code);
}

void kernel_exit(int code)
{
	printf("\n=== %s_exit(%d) called ===\n", code ? "ERROR: " : "", code);
	run_next();
}

void kernel_main(const struct multiboot_info *info)
{
	console_start();
	printf("unikrun probe guest (speaks the rumprun contract; not a rump kernel)\n\n");
	cpu_start();
	copy_configuration(info);
	clock_start();
	memory_start(info);
	cpu_allow_interrupts_when_halted();
	virtio_start();
	network_start();
	mounts_start();
	printf("mounted tmpfs on /tmp\n");
	config_read(command_line);
	resolver_start();
	proxy_start();
	run_next();
}

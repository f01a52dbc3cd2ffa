/*
 * Enters a kernel by Multiboot 0.6.96, 3.2 and 3.3. Kernel, command line and module lie in the guest's memory before the machine runs first:
 * whoever made the machine has written them there (native/init/guest/guest_memory.c).
 */
#include "multiboot.h"

#include "layout.h"
#include "ports.h"
#include "serial.h"

#define BOOT_MAGIC 0x2badb002u
enum { HAS_MEMORY = 1 << 0, HAS_COMMAND_LINE = 1 << 2, HAS_MODULES = 1 << 3, HAS_MAP = 1 << 6 };

struct information {
	uint32_t flags, memory_low, memory_high, boot_device, command_line, module_count, modules, symbols[4], map_length, map;
};

struct module {
	uint32_t start, end, text, reserved;
};

/*
 * The word "UKBT"; the kernel's entry point; the command line's bytes, behind which there is a NUL; where a module begins and ends,
 * both 0 where there is none.
 */
struct order {
	uint32_t magic, entry, length, module_start, module_end;
	char text[ORDER_END - ORDER - 5 * sizeof(uint32_t)];
};
#define ORDER_MAGIC 0x54424b55u

void multiboot_boot(const struct memory_map *map)
{
	const volatile struct order *order = AT(struct order, ORDER);
	if (order->magic != ORDER_MAGIC)
		die("there is no kernel in memory");
	if (order->length >= sizeof order->text || order->text[order->length])
		die("the command line in memory has no end");
	/* A new machine's memory is 0 as it is. */
	volatile struct information *info = AT(struct information, INFORMATION);
	info->flags = HAS_MEMORY | HAS_COMMAND_LINE | HAS_MAP;
	/* In KiB; the first is what INT 12h of a BIOS says. */
	info->memory_low = EBDA >> 10;
	info->memory_high = (map->high_end - HIGH_MEMORY) >> 10;
	info->command_line = (uint32_t)(uintptr_t)order->text;
	info->map = MEMORY_MAP;
	info->map_length = map->length;
	if (order->module_end) {
		volatile struct module *module = AT(struct module, MODULE);
		module->start = order->module_start;
		module->end = order->module_end;
		/* Its text is empty, the NUL of what is reserved. */
		module->text = (uint32_t)(uintptr_t)&module->reserved;
		info->flags |= HAS_MODULES;
		info->module_count = 1;
		info->modules = MODULE;
	}
	__asm__ volatile("jmp *%0" : : "r"(order->entry), "a"(BOOT_MAGIC), "b"(INFORMATION) : "memory");
	__builtin_unreachable();
}

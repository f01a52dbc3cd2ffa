/* Multiboot 0.6.96, section 3.3: what the boot loader hands over. */
#pragma once
#include <stdint.h>

enum { MULTIBOOT_HAS_MEMORY = 1, MULTIBOOT_HAS_COMMAND_LINE = 4, MULTIBOOT_HAS_MODULES = 8 };
enum { MULTIBOOT_AVAILABLE = 1, MULTIBOOT_MEMORY_START = 0x100000 };

struct multiboot_info {
	uint32_t flags, memory_low, memory_high, boot_device;
	uint32_t command_line;
	uint32_t module_count, modules;
	uint32_t symbols[4];
	uint32_t map_length, map;
};

struct multiboot_module {
	uint32_t start, end, name, reserved;
};

struct multiboot_memory {
	uint32_t size;
	uint64_t address, length;
	uint32_t type;
} __attribute__((packed));

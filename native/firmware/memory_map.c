#include "memory_map.h"

#include "fw_cfg.h"
#include "layout.h"
#include "ports.h"
#include "serial.h"

enum { USABLE = 1, RESERVED = 2 };

/* As QEMU's file has it (struct e820_entry in its hw/i386/e820_memory_layout.h). */
struct range {
	uint64_t address, length;
	uint32_t type;
} __attribute__((packed));

/* Multiboot 0.6.96, 3.3, mmap_addr: the size is that of what follows it. */
struct entry {
	uint32_t size;
	struct range range;
} __attribute__((packed));

static void add(struct memory_map *map, uint64_t address, uint64_t length, uint32_t type)
{
	uint32_t at = MEMORY_MAP + map->length;
	if (at + sizeof(struct entry) > MEMORY_MAP_END)
		die("this machine's memory has too many pieces");
	*AT(struct entry, at) = (struct entry){ sizeof(struct range), { address, length, type } };
	map->length += sizeof(struct entry);
}

/* The memory that begins at 0 has the firmware's places in it, and a hole for ISA devices. */
static void add_first(struct memory_map *map, uint32_t end)
{
	add(map, 0, EBDA, USABLE);
	add(map, EBDA, LOW_MEMORY_END - EBDA, RESERVED);
	add(map, FIRMWARE, HIGH_MEMORY - FIRMWARE, RESERVED);
	add(map, HIGH_MEMORY, end - HIGH_MEMORY, USABLE);
	add(map, FIRMWARE_HIGH, HIGH_MEMORY - FIRMWARE, RESERVED);
	map->high_end = end;
}

struct memory_map memory_map_write(void)
{
	struct memory_map map = { 0, 0 };
	struct fw_cfg_file file = fw_cfg_find("etc/e820");
	struct range range;
	for (uint32_t at = 0; at + sizeof range <= file.size; at += sizeof range) {
		uint32_t to = (uint32_t)(uintptr_t)&range;
		if (at == 0)
			fw_cfg_read(file.item, to, sizeof range);
		else
			fw_cfg_read_on(to, sizeof range);
		if (range.type == USABLE && range.address == 0)
			add_first(&map, (uint32_t)range.length);
		else
			add(&map, range.address, range.length, range.type);
	}
	if (map.high_end <= HIGH_MEMORY)
		die("QEMU tells of no memory");
	return map;
}

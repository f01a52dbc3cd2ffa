/*
 * A multiboot kernel as QEMU's loader (hw/i386/multiboot.c) leaves it for a firmware: the kernel, its command line and its modules
 * in one piece for one address; the information structure of Multiboot 0.6.96, 3.3, in which memory is to be filled in; an entry.
 */
#include "multiboot.h"

#include "fw_cfg.h"
#include "layout.h"
#include "ports.h"
#include "serial.h"

#define HEADER_MAGIC 0x1badb002u
#define BOOT_MAGIC 0x2badb002u
enum { HAS_MEMORY = 1 << 0, HAS_COMMAND_LINE = 1 << 2, HAS_MAP = 1 << 6 };

struct information {
	uint32_t flags, memory_low, memory_high, boot_device, command_line, module_count, modules, symbols[4], map_length, map;
};

/*
 * A command line that was written into the guest's memory after QEMU had begun; it counts in place of QEMU's. The words are
 * "UKCL", and the number of bytes of the text that follows, which ends with a NUL beside. Memory is empty where nobody wrote one.
 */
struct command_line {
	uint32_t magic, length;
	char text[COMMAND_LINE_END - COMMAND_LINE - 2 * sizeof(uint32_t)];
};
#define COMMAND_LINE_MAGIC 0x4c434b55u

static void replace_command_line(volatile struct information *info)
{
	const volatile struct command_line *line = AT(struct command_line, COMMAND_LINE);
	if (line->magic != COMMAND_LINE_MAGIC)
		return;
	if (line->length >= sizeof line->text || line->text[line->length])
		die("the command line in memory has no end");
	info->command_line = (uint32_t)(uintptr_t)line->text;
	info->flags |= HAS_COMMAND_LINE;
}

/* Of a kernel, from its address on: bytes of the file that was loaded, and where what QEMU put behind it begins. */
struct extent {
	uint32_t filled, behind;
};

/*
 * What lies between is the kernel's variables without values (bss) and some bytes up to a page's end. `head`: so much of the kernel
 * is there already, and its header in it; the extent is empty where the header says nothing of use.
 */
static struct extent find_extent(uint32_t address, uint32_t head)
{
	enum { HAS_ADDRESSES = 1 << 16, PAGE = 0x1000 };
	struct header {
		uint32_t magic, flags, checksum, header, load, load_end, bss_end, entry;
	};
	for (uint32_t at = address; at + sizeof(struct header) <= address + head; at += 4) {
		const volatile struct header *header = AT(struct header, at);
		if (header->magic != HEADER_MAGIC || header->magic + header->flags + header->checksum)
			continue;
		if (!(header->flags & HAS_ADDRESSES) || header->header != at || header->load != address)
			break;
		uint32_t end = header->bss_end - address;
		return (struct extent){ header->load_end - address, (end + PAGE - 1) & ~(uint32_t)(PAGE - 1) };
	}
	return (struct extent){ 0, 0 };
}

static bool copy_kernel(uint32_t address, uint32_t size)
{
	/* 3.1: the header lies in these. */
	uint32_t head = size < 8192 ? size : 8192;
	if (!fw_cfg_read(FW_CFG_KERNEL_DATA, address, head))
		return false;
	struct extent extent = find_extent(address, head);
	if (extent.filled < head || extent.behind < extent.filled || extent.behind > size)
		return fw_cfg_read_on(address + head, size - head);
	/* A new machine's memory is 0 as it is, and what nobody touches takes none of the host's. */
	return fw_cfg_read_on(address + head, extent.filled - head) && fw_cfg_skip(extent.behind - extent.filled) &&
	       fw_cfg_read_on(address + extent.behind, size - extent.behind);
}

static void load_kernel(uint32_t memory_end)
{
	uint32_t address = fw_cfg_number(FW_CFG_KERNEL_ADDRESS), size = fw_cfg_number(FW_CFG_KERNEL_SIZE);
	if (address < HIGH_MEMORY)
		die("this kernel wants a place below 1 MiB");
	if (address > memory_end || size > memory_end - address || !copy_kernel(address, size))
		die("this kernel is larger than the machine's memory");
}

void multiboot_boot(const struct memory_map *map)
{
	uint32_t at = fw_cfg_number(FW_CFG_INFO_ADDRESS), size = fw_cfg_number(FW_CFG_INFO_SIZE);
	uint32_t entry = fw_cfg_number(FW_CFG_KERNEL_ENTRY);
	if (!entry || at < MEMORY_MAP_END || size < sizeof(struct information) || size > COMMAND_LINE - at)
		die("QEMU was given no multiboot kernel");
	load_kernel(map->high_end);
	fw_cfg_read(FW_CFG_INFO_DATA, at, size);
	volatile struct information *info = AT(struct information, at);
	info->flags |= HAS_MEMORY | HAS_MAP;
	/* In KiB; the first is what INT 12h of a BIOS says. */
	info->memory_low = EBDA >> 10;
	info->memory_high = (map->high_end - HIGH_MEMORY) >> 10;
	info->map = MEMORY_MAP;
	info->map_length = map->length;
	replace_command_line(info);
	__asm__ volatile("jmp *%0" : : "r"(entry), "a"(BOOT_MAGIC), "b"(at) : "memory");
	__builtin_unreachable();
}

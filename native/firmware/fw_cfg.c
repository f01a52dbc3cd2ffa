#include "fw_cfg.h"

#include "ports.h"
#include "serial.h"

enum { DMA_HIGH = 0x514, DMA_LOW = 0x518 };
enum { FAILED = 1, READ = 2, SELECT = 8 };

/* All numbers have their most significant byte first. */
struct access {
	uint32_t control, length, address_high, address_low;
};

static uint32_t swapped(uint32_t value)
{
	return __builtin_bswap32(value);
}

static bool transfer(uint32_t control, uint32_t address, uint32_t length)
{
	volatile struct access access = { swapped(control), swapped(length), 0, swapped(address) };
	/* The other half of its address was set to 0 by the board, and by every transfer. */
	out32(DMA_LOW, swapped((uint32_t)(uintptr_t)&access));
	while (access.control & ~swapped(FAILED))
		;
	return !access.control;
}

bool fw_cfg_read(uint16_t item, uint32_t address, uint32_t length)
{
	return transfer((uint32_t)item << 16 | SELECT | READ, address, length);
}

bool fw_cfg_read_on(uint32_t address, uint32_t length)
{
	return transfer(READ, address, length);
}

void fw_cfg_check(void)
{
	/* "QEMU CFG" */
	if (in32(DMA_HIGH) != swapped(0x51454d55) || in32(DMA_LOW) != swapped(0x20434647))
		die("this machine has no fw_cfg with DMA");
}

static bool is_same(const volatile char *a, const char *b)
{
	for (; *a == *b; a++, b++)
		if (!*a)
			return true;
	return false;
}

struct fw_cfg_file fw_cfg_find(const char *name)
{
	struct {
		uint32_t size;
		uint16_t item, reserved;
		char name[56];
	} volatile entry;
	volatile uint32_t count = 0;
	fw_cfg_read(FW_CFG_DIRECTORY, (uint32_t)(uintptr_t)&count, sizeof count);
	for (uint32_t left = swapped(count); left; left--) {
		fw_cfg_read_on((uint32_t)(uintptr_t)&entry, sizeof entry);
		if (is_same(entry.name, name))
			return (struct fw_cfg_file){ swapped(entry.size), __builtin_bswap16(entry.item) };
	}
	return (struct fw_cfg_file){ 0, 0 };
}

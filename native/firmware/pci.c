#include "pci.h"

#include "layout.h"
#include "ports.h"

#include <stdbool.h>

/* 3.2.2.3.2: configuration mechanism 1. */
enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc };
#define CONFIG_ENABLE 0x80000000u

enum { SLOTS = 32, FUNCTIONS = 8 };

/* 6.1, 6.2: offsets in a function's header, and what stands there. */
enum { ID = 0x00, COMMAND = 0x04, HEADER_TYPE = 0x0c, FIRST_BAR = 0x10, END_OF_BARS = 0x28, INTERRUPT = 0x3c };
enum { TAKES_IO = 0x1, TAKES_MEMORY = 0x2, REPORTS_ERRORS = 0x100 };
enum { TYPE_MASK = 0x7f0000, SEVERAL_FUNCTIONS = 0x800000 };
enum { BAR_IO = 0x1, BAR_IO_FLAGS = 0x3, BAR_MEMORY_FLAGS = 0xf, BAR_WIDTH = 0x6, BAR_WIDTH_64 = 0x4 };

/* Above what the board's own devices have (ACPI's from 0x600, 0xaf00 and 0xb100 on), as SeaBIOS and real boards begin. */
#define IO_FIRST 0xc000
#define IO_END 0x10000

/* No two functions share one, since kernels map whole ones. */
#define PAGE 0x1000u

/* Addresses that are not given out yet. */
struct window {
	uint32_t next, end;
};

static void choose(struct pci_function at, uint8_t offset)
{
	out32(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)at.slot << 11 | (uint32_t)at.function << 8 | (offset & 0xfc));
}

uint32_t pci_read32(struct pci_function at, uint8_t offset)
{
	choose(at, offset);
	return in32(CONFIG_DATA);
}

static void write32(struct pci_function at, uint8_t offset, uint32_t value)
{
	choose(at, offset);
	out32(CONFIG_DATA, value);
}

/* The status register above it has bits that a write of 1 clears, so only the command is written. */
static void write_command(struct pci_function at, uint16_t value)
{
	choose(at, COMMAND);
	out16(CONFIG_DATA, value);
}

void pci_write8(struct pci_function at, uint8_t offset, uint8_t value)
{
	choose(at, offset);
	out8(CONFIG_DATA + (offset & 3), value);
}

/* `size` is a power of two, and addresses are multiples of it. 0: there is no room. */
static uint32_t take(struct window *window, uint32_t size)
{
	uint32_t at = (window->next + size - 1) & ~(size - 1);
	if (!size || at < window->next || at >= window->end || size > window->end - at)
		return 0;
	window->next = at + size;
	return at;
}

/* 6.2.5.1: of all ones that are written, a base address register keeps those that can be chosen. */
static uint32_t probe(struct pci_function at, uint8_t bar)
{
	write32(at, bar, ~0u);
	return pci_read32(at, bar);
}

/* False where a base address found no room. The function does not answer to addresses yet. */
static bool place(struct pci_function at, struct window *io, struct window *memory)
{
	bool is_placed = true;
	for (uint8_t bar = FIRST_BAR; bar < END_OF_BARS; bar += 4) {
		uint32_t found = probe(at, bar);
		if (!found)
			continue;
		uint32_t address;
		if (found & BAR_IO) {
			/* A device may leave the upper half out, since a PC has 64 Ki ports. */
			address = take(io, -(found & ~(uint32_t)BAR_IO_FLAGS) & 0xffff);
			write32(at, bar, address);
		} else {
			uint32_t size = -(found & ~(uint32_t)BAR_MEMORY_FLAGS);
			bool is_wide = (found & BAR_WIDTH) == BAR_WIDTH_64;
			/* More than 4 GiB: bits of the upper half are fixed, too. */
			if (is_wide && ~probe(at, bar + 4))
				size = 0;
			address = take(memory, size && size < PAGE ? PAGE : size);
			write32(at, bar, address);
			/* The upper half is 0: below 4 GiB, where every kernel reaches it. */
			if (is_wide)
				write32(at, bar += 4, 0);
		}
		is_placed &= address != 0;
	}
	return is_placed;
}

static void start_function(struct pci_function at, struct window *io, struct window *memory, pci_line *line)
{
	/* Bridges to other buses have another header, and the board has none. */
	if (pci_read32(at, HEADER_TYPE) & TYPE_MASK)
		return;
	write_command(at, 0);
	bool is_placed = place(at, io, memory);
	uint8_t pin = (uint8_t)(pci_read32(at, INTERRUPT) >> 8);
	if (pin)
		pci_write8(at, INTERRUPT, line(at, pin));
	/* Drivers let a device reach memory by itself. */
	if (is_placed)
		write_command(at, TAKES_IO | TAKES_MEMORY | REPORTS_ERRORS);
}

void pci_start(pci_line *line)
{
	struct window io = { IO_FIRST, IO_END }, memory = { PCI_MEMORY, PCI_MEMORY_END };
	for (uint8_t slot = 0; slot < SLOTS; slot++) {
		uint8_t functions = 1;
		for (uint8_t function = 0; function < functions; function++) {
			struct pci_function at = { slot, function };
			if ((pci_read32(at, ID) & 0xffff) == 0xffff)
				continue;
			if (!function && pci_read32(at, HEADER_TYPE) & SEVERAL_FUNCTIONS)
				functions = FUNCTIONS;
			start_function(at, &io, &memory, line);
		}
	}
}

#include "pci.h"

#include "cpu.h"

enum { ADDRESS = 0xcf8, DATA = 0xcfc, SLOTS = 32, FUNCTIONS = 8, SEVERAL_FUNCTIONS = 0x800000 };

static void choose(struct pci_function at, uint8_t offset)
{
	out32(ADDRESS, 0x80000000u | (uint32_t)at.slot << 11 | (uint32_t)at.function << 8 | (offset & 0xfc));
}

uint32_t pci_read(struct pci_function at, uint8_t offset)
{
	choose(at, offset);
	return in32(DATA);
}

void pci_write(struct pci_function at, uint8_t offset, uint32_t value)
{
	choose(at, offset);
	out32(DATA, value);
}

void pci_each(void (*found)(struct pci_function at))
{
	for (uint8_t slot = 0; slot < SLOTS; slot++) {
		uint8_t functions = 1;
		for (uint8_t function = 0; function < functions; function++) {
			struct pci_function at = { .slot = slot, .function = function };
			uint32_t id = pci_read(at, 0);
			if ((id & 0xffff) == 0xffff)
				continue;
			if (!function && pci_read(at, 0x0c) & SEVERAL_FUNCTIONS)
				functions = FUNCTIONS;
			at.vendor = (uint16_t)id;
			at.device = (uint16_t)(id >> 16);
			found(at);
		}
	}
}

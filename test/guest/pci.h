#pragma once
#include <stdint.h>

struct pci_function {
	uint8_t slot, function;
	uint16_t vendor, device;
};

uint32_t pci_read(struct pci_function at, uint8_t offset);
void pci_write(struct pci_function at, uint8_t offset, uint32_t value);
/* Calls with every function on bus 0, in the order of slots. */
void pci_each(void (*found)(struct pci_function at));

/* Bus 0, by PCI Local Bus Specification 3.0. */
#ifndef UNIKRUN_FIRMWARE_PCI_H
#define UNIKRUN_FIRMWARE_PCI_H

#include <stdint.h>

struct pci_function {
	uint8_t slot, function;
};

uint32_t pci_read32(struct pci_function at, uint8_t offset);
void pci_write8(struct pci_function at, uint8_t offset, uint8_t value);

/* Gives every function of every device its addresses and its interrupt, and lets it answer to them. */
void pci_start(void);

#endif

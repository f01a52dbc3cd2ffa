/* Bus 0, by PCI Local Bus Specification 3.0. */
#ifndef UNIKRUN_FIRMWARE_PCI_H
#define UNIKRUN_FIRMWARE_PCI_H

#include <stdint.h>

struct pci_function {
	uint8_t slot, function;
};

uint32_t pci_read32(struct pci_function at, uint8_t offset);
void pci_write8(struct pci_function at, uint8_t offset, uint8_t value);

/* The line of the PIC that a function's pin (1-4 for INTA#-INTD#) pulls. */
typedef uint8_t pci_line(struct pci_function at, uint8_t pin);

/* Gives every function of every device its addresses and its interrupt, and lets it answer to them. */
void pci_start(pci_line *line);

#endif

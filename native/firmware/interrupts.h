#ifndef UNIKRUN_FIRMWARE_INTERRUPTS_H
#define UNIKRUN_FIRMWARE_INTERRUPTS_H

#include "pci.h"

#include <stdint.h>

/* The way of PCI's interrupts, and of the PIC's, to the processor, which takes none yet. */
void interrupts_start(void);

/* The line of the PIC that a function's pin (1-4 for INTA#-INTD#) pulls. */
uint8_t interrupt_of(struct pci_function at, uint8_t pin);

#endif

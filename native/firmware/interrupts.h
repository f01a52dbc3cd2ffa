#ifndef UNIKRUN_FIRMWARE_INTERRUPTS_H
#define UNIKRUN_FIRMWARE_INTERRUPTS_H

#include "pci.h"

#include <stdint.h>

/* The way of PCI's interrupts, and of the PIC's, to the processor, which takes none yet. */
void interrupts_start(void);

pci_line interrupt_of;

#endif

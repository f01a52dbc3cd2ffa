#ifndef UNIKRUN_FIRMWARE_EMULATION_H
#define UNIKRUN_FIRMWARE_EMULATION_H

/* What makes the kernel faster where the processor is emulated; nothing of it is left behind. */
void emulation_prepare(void);

#endif

/* What QEMU tells a firmware (its docs/specs/fw_cfg.rst): items with numbers, and files with names. */
#ifndef UNIKRUN_FIRMWARE_FW_CFG_H
#define UNIKRUN_FIRMWARE_FW_CFG_H

#include <stdbool.h>
#include <stdint.h>

/* QEMU's include/standard-headers/linux/qemu_fw_cfg.h. */
enum { FW_CFG_DIRECTORY = 0x19 };

/* Ends the machine where QEMU has no DMA for it. */
void fw_cfg_check(void);
/* Copies the first `length` bytes of an item; false where they don't fit into the memory there. */
bool fw_cfg_read(uint16_t item, uint32_t address, uint32_t length);
/* Copies what follows. */
bool fw_cfg_read_on(uint32_t address, uint32_t length);

struct fw_cfg_file {
	uint32_t size;
	uint16_t item; /* 0: there is none of that name */
};
struct fw_cfg_file fw_cfg_find(const char *name);

#endif

/* What QEMU tells a firmware (its docs/specs/fw_cfg.rst): items with numbers, and files with names. */
#ifndef UNIKRUN_FIRMWARE_FW_CFG_H
#define UNIKRUN_FIRMWARE_FW_CFG_H

#include <stdbool.h>
#include <stdint.h>

/* QEMU's include/standard-headers/linux/qemu_fw_cfg.h and include/hw/nvram/fw_cfg_keys.h. */
enum { FW_CFG_KERNEL_ADDRESS = 0x07, FW_CFG_KERNEL_SIZE = 0x08, FW_CFG_INFO_ADDRESS = 0x0a,
       FW_CFG_INFO_SIZE = 0x0b, FW_CFG_KERNEL_ENTRY = 0x10, FW_CFG_KERNEL_DATA = 0x11, FW_CFG_INFO_DATA = 0x12,
       FW_CFG_DIRECTORY = 0x19 };

/* Ends the machine where QEMU has no DMA for it. */
void fw_cfg_check(void);
/* Copies the first `length` bytes of an item; false where they don't fit into the memory there. */
bool fw_cfg_read(uint16_t item, uint32_t address, uint32_t length);
/* Copies what follows. */
bool fw_cfg_read_on(uint32_t address, uint32_t length);
/* Leaves out what follows. */
bool fw_cfg_skip(uint32_t length);
uint32_t fw_cfg_number(uint16_t item);

struct fw_cfg_file {
	uint32_t size;
	uint16_t item; /* 0: there is none of that name */
};
struct fw_cfg_file fw_cfg_find(const char *name);

#endif

#ifndef UNIKRUN_FIRMWARE_MULTIBOOT_H
#define UNIKRUN_FIRMWARE_MULTIBOOT_H

#include "memory_map.h"

/* Enters the kernel that lies in memory. */
void multiboot_boot(const struct memory_map *map) __attribute__((noreturn));

#endif

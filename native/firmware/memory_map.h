#ifndef UNIKRUN_FIRMWARE_MEMORY_MAP_H
#define UNIKRUN_FIRMWARE_MEMORY_MAP_H

#include <stdint.h>

struct memory_map {
	uint32_t length; /* bytes of it, from MEMORY_MAP on, as multiboot wants it */
	uint32_t high_end; /* of the memory that begins at 1 MiB */
};

struct memory_map memory_map_write(void);

#endif

#ifndef UNIKRUN_FIRMWARE_WALK_H
#define UNIKRUN_FIRMWARE_WALK_H

#define PAGE 0x1000
#define WALK_FROM 0x1000000 /* addresses of the first GiB that nothing else has */
#define WALK_ENTRIES 1024 /* no more gains a rump kernel anything; a multiple of 512 */
#define WALK_FIRST 64 /* QEMU's table has no less (CPU_TLB_DYN_MIN_BITS) */

#ifndef __ASSEMBLER__
#include <stdint.h>

/* Reads WALK_FIRST pages by 64-bit code, flushes, reads twice as many, up to WALK_ENTRIES. `tables`: a physical address. */
void walk(uint32_t tables);
#endif

#endif

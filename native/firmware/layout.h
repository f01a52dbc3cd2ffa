/*
 * Where the firmware has things in the first MiB of the guest's memory. What is not named here is not touched; init knows the order's place
 * (native/init/guest/guest_memory.c).
 */
#ifndef UNIKRUN_FIRMWARE_LAYOUT_H
#define UNIKRUN_FIRMWARE_LAYOUT_H

#define STACK_TOP 0x8000 /* downwards; idle once the kernel runs */
#define MEMORY_MAP 0x9000
#define MEMORY_MAP_END 0x9500
#define INFORMATION MEMORY_MAP_END /* multiboot's */
#define MODULE 0x9580 /* likewise */
#define ORDER 0x10000 /* see multiboot.c */
#define ORDER_END 0x90000
#define TABLES ORDER_END /* emulation.c's; zero again once the kernel runs */
#define TABLES_END 0x94000
#define EBDA 0x9fc00 /* the extended BIOS data area's customary place, 1 KiB */
#define LOW_MEMORY_END 0xa0000
#define FIRMWARE 0xf0000 /* this program, read-only, up to 1 MiB */
#define HIGH_MEMORY 0x100000
#define PCI_MEMORY 0xe0000000 /* the board never has memory from here to 4 GiB */
#define PCI_MEMORY_END 0xfec00000 /* the I/O APIC's registers */
#define FIRMWARE_HIGH 0xffff0000 /* the same program, where the processor begins */

#endif

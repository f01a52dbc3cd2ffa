/*
 * unikrun's firmware: what a unikernel needs of a BIOS on QEMU's board "pc", and nothing more. It has no services that could be
 * called; once the kernel is entered, none of it runs.
 */
#include "emulation.h"
#include "fw_cfg.h"
#include "interrupts.h"
#include "layout.h"
#include "memory_map.h"
#include "multiboot.h"
#include "pci.h"
#include "ports.h"
#include "serial.h"

/* PIIX3's port 92h: address line 20, which multiboot wants on. */
enum { PORT_92 = 0x92, A20_ON = 2 };

/* The BIOS data area, of which kernels look at these: rump kernels take their console from there. */
static void write_bios_data(void)
{
	enum { FIRST_COM = 0x400, EBDA_SEGMENT = 0x40e, KIBIBYTES = 0x413, CRTC = 0x463, SCRATCH = 7 };
	/* A port that is not there reads as all ones. */
	bool has_com = in8(COM1 + SCRATCH) != 0xff;
	*AT(uint16_t, FIRST_COM) = has_com ? COM1 : 0;
	*AT(uint16_t, EBDA_SEGMENT) = EBDA >> 4;
	*AT(uint16_t, KIBIBYTES) = EBDA >> 10;
	/* There is no display that the firmware would have started. */
	*AT(uint16_t, CRTC) = 0;
}

void firmware_main(void)
{
	out8(PORT_92, A20_ON);
	fw_cfg_check();
	interrupts_start();
	pci_start(interrupt_of);
	write_bios_data();
	struct memory_map map = memory_map_write();
	emulation_prepare();
	multiboot_boot(&map);
}

#include "interrupts.h"

#include "ports.h"
#include "serial.h"

/* The board's PIIX3 and, where it has ACPI, PIIX4's power management. */
static const struct pci_function PIIX3 = { 1, 0 }, POWER_MANAGEMENT = { 1, 3 };
#define PIIX3_ID 0x70008086u
#define POWER_MANAGEMENT_ID 0x71138086u

/* PIIX3 datasheet, 2.2.6: PIRQRC[A:D], the PIC's line for each of four PCI interrupts. */
enum { PIRQ_ROUTE = 0x60, PIRQS = 4 };
/* SeaBIOS's choice too. Lines below 9 and from 12 on may be of ISA devices. */
static const uint8_t lines[PIRQS] = { 10, 10, 11, 11 };

/* 2.5.3.9: ELCR, which lines are levels (as PCI's are) and not edges. */
enum { LEVELS_0_7 = 0x4d0, LEVELS_8_15 = 0x4d1 };

/* 8259A: two of them, the second behind the first's line 2. */
enum { FIRST_COMMAND = 0x20, FIRST_DATA = 0x21, SECOND_COMMAND = 0xa0, SECOND_DATA = 0xa1 };
enum { INITIALIZE = 0x11, FIRST_VECTOR = 0x08, SECOND_VECTOR = 0x70, CASCADE = 2, MODE_8086 = 1 };

/* Intel SDM, volume 3, 11.4: the local APIC's registers. */
#define SPURIOUS_VECTOR 0xfee000f0
#define LINT0 0xfee00350
#define LINT1 0xfee00360
enum { APIC_ENABLED = 0x1ff, LEVEL_EXTINT = 0x8700, LEVEL_NMI = 0x8400 };

static void start_pic(void)
{
	out8(FIRST_COMMAND, INITIALIZE);
	out8(SECOND_COMMAND, INITIALIZE);
	out8(FIRST_DATA, FIRST_VECTOR);
	out8(SECOND_DATA, SECOND_VECTOR);
	out8(FIRST_DATA, 1 << CASCADE);
	out8(SECOND_DATA, CASCADE);
	out8(FIRST_DATA, MODE_8086);
	out8(SECOND_DATA, MODE_8086);
	/* A kernel lets through what it has a driver for. */
	out8(FIRST_DATA, (uint8_t)~(1 << CASCADE));
	out8(SECOND_DATA, 0xff);
}

/* PIIX4 datasheet, 7.1: the place of ACPI's registers, where QEMU's tables and some kernels look for them. */
static void start_power_management(void)
{
	enum { BASE = 0x40, BASE_HIGH = 0x41, ENABLE = 0x80 };
	if (pci_read32(POWER_MANAGEMENT, 0) != POWER_MANAGEMENT_ID)
		return;
	pci_write8(POWER_MANAGEMENT, BASE, 0x01);
	pci_write8(POWER_MANAGEMENT, BASE_HIGH, 0x06);
	pci_write8(POWER_MANAGEMENT, ENABLE, 1);
}

void interrupts_start(void)
{
	if (pci_read32(PIIX3, 0) != PIIX3_ID)
		die("this machine is not QEMU's \"pc\"");
	for (uint8_t pirq = 0; pirq < PIRQS; pirq++)
		pci_write8(PIIX3, PIRQ_ROUTE + pirq, lines[pirq]);
	out8(LEVELS_0_7, 0);
	out8(LEVELS_8_15, 1 << (10 - 8) | 1 << (11 - 8));
	start_pic();
	/* What the PIC says reaches the processor through its APIC only ("virtual wire mode", MultiProcessor Specification 3.6.2.2). */
	*AT(uint32_t, SPURIOUS_VECTOR) = APIC_ENABLED;
	*AT(uint32_t, LINT0) = LEVEL_EXTINT;
	*AT(uint32_t, LINT1) = LEVEL_NMI;
	start_power_management();
}

/* The pins of neighbouring slots are turned by one (pc_pci_slot_get_pirq() in QEMU's hw/i386/pc_piix.c). */
uint8_t interrupt_of(struct pci_function at, uint8_t pin)
{
	/* ACPI's own is wired to line 9. */
	if (at.slot == POWER_MANAGEMENT.slot && at.function == POWER_MANAGEMENT.function)
		return 9;
	return lines[(at.slot - 1 + pin - 1) & (PIRQS - 1)];
}

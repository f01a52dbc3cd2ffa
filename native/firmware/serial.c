#include "serial.h"

#include "ports.h"

/* 16550's line status register, and that its transmitter takes a byte. */
enum { LINE_STATUS = 5, TAKES_BYTE = 0x20 };
/* PIIX3 datasheet, 2.5.5: the reset control register; a hard reset of the whole machine. */
enum { RESET_CONTROL = 0xcf9, RESET_HARD = 0x02, RESET_NOW = 0x06 };

static void print(const char *text)
{
	for (; *text; text++) {
		while (!(in8(COM1 + LINE_STATUS) & TAKES_BYTE))
			;
		out8(COM1, (uint8_t)*text);
	}
}

void die(const char *why)
{
	print("unikrun's firmware: ");
	print(why);
	print("\r\n");
	out8(RESET_CONTROL, RESET_HARD);
	out8(RESET_CONTROL, RESET_NOW);
	for (;;)
		__asm__ volatile("cli; hlt");
}

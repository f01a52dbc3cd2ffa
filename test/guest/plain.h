/* What the small guests say on the serial line, and read of their arguments. */
#pragma once
#include "cpu.h"

enum { COM1 = 0x3f8, LINE_STATUS = 5, HAS_BYTE = 1, CAN_SEND = 0x20 };

static inline void put(char byte)
{
	while (!(in8(COM1 + LINE_STATUS) & CAN_SEND))
		;
	out8(COM1, (uint8_t)byte);
}

static inline void say(const char *text)
{
	for (; *text; text++)
		put(*text);
}

static inline void say_number(unsigned number)
{
	if (number > 9)
		say_number(number / 10);
	put((char)('0' + number % 10));
}

static inline unsigned number_in(const char *text)
{
	unsigned number = 0;
	for (; text && *text >= '0' && *text <= '9'; text++)
		number = number * 10 + (unsigned)(*text - '0');
	return number;
}

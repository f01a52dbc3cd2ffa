#include "console.h"

#include "cpu.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DATA, INTERRUPTS, FIFO, LINE, MODEM, STATUS, LINE_ROOM = 1024, RING = 4096 };
enum { STATUS_RECEIVED = 1, STATUS_CAN_SEND = 0x20 };

uint16_t bios_com1, bios_crtc;

static uint16_t port;
static char ring[RING], line[LINE_ROOM], last[LINE_ROOM];
static size_t ring_in, ring_out, line_length;

void console_start(void)
{
	if (!bios_com1 || bios_crtc)
		return;
	port = bios_com1;
	out8(port + INTERRUPTS, 0);
	out8(port + LINE, 0x80);
	out8(port + DATA, 1);
	out8(port + INTERRUPTS, 0);
	out8(port + LINE, 3);
	out8(port + FIFO, 0xc7);
	out8(port + MODEM, 0x0b);
	out8(port + INTERRUPTS, 1);
	cpu_enable_interrupt(CONSOLE_INTERRUPT);
}

static void put(char c)
{
	while (!(in8(port + STATUS) & STATUS_CAN_SEND))
		__asm__ volatile("pause");
	out8(port + DATA, (uint8_t)c);
}

void console_write(const char *text, size_t length)
{
	if (!port)
		return;
	for (; length; length--, text++) {
		if (*text == '\n')
			put('\r');
		put(*text);
	}
}

void console_receive(void)
{
	/* What has no room waits in the device, and its interrupt has gone by then: readers look for themselves. */
	while (port && ring_in - ring_out < RING && in8(port + STATUS) & STATUS_RECEIVED)
		ring[ring_in++ % RING] = (char)in8(port + DATA);
}

int console_read_byte(void)
{
	console_receive();
	return ring_out == ring_in ? -1 : (uint8_t)ring[ring_out++ % RING];
}

const char *console_read_line(void)
{
	for (int c; (c = console_read_byte()) >= 0;) {
		if (c != '\n' && c != '\r') {
			if (line_length < LINE_ROOM - 1)
				line[line_length++] = (char)c;
			continue;
		}
		/* "\r\n" is one end: the empty line between the two is dropped. */
		static int before;
		bool second_half = c == '\n' && before == '\r' && !line_length;
		before = c;
		if (second_half)
			continue;
		memcpy(last, line, line_length);
		last[line_length] = '\0';
		line_length = 0;
		return last;
	}
	return NULL;
}

const char *console_last_line(void)
{
	return last;
}

int printf(const char *format, ...)
{
	char text[1024];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	console_write(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
	return length;
}

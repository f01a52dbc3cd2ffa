#pragma once
#include <stddef.h>

enum { CONSOLE_INTERRUPT = 4 };

/* The console is COM1 if the BIOS found one and no display adapter; otherwise the probe is mute, as a rump kernel is on COM1. */
void console_start(void);
/* Takes what has arrived on COM1; called by its interrupt. */
void console_receive(void);
/* The next byte that came in, or -1. */
int console_read_byte(void);
/* The next whole line that was typed, without its end, or NULL; good until the next call. */
const char *console_read_line(void);
/* The last line that console_read_line gave, or "". */
const char *console_last_line(void);
void console_write(const char *text, size_t length);

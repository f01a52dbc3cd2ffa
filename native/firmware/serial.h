#ifndef UNIKRUN_FIRMWARE_SERIAL_H
#define UNIKRUN_FIRMWARE_SERIAL_H

#define COM1 0x3f8

/* One line on the first serial port, the only words that the firmware has, and the machine is reset. */
void die(const char *why) __attribute__((noreturn));

#endif

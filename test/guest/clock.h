#pragma once
#include <stdint.h>

void clock_start(void);
/* Since the boot. */
uint64_t clock_nanoseconds(void);
uint32_t clock_milliseconds(void);
/* Waits for an interrupt, and no longer than until that time nor much longer than 50 ms. */
void clock_idle_until(uint64_t nanoseconds);

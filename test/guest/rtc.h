#pragma once
#include <stdint.h>

/* Seconds since 1970, from the PC's clock, taken to run in UTC. */
uint32_t rtc_seconds(void);

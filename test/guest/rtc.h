#pragma once
#include <stdint.h>

/* Seconds since 1970, from the PC's clock, taken to run in UTC. */
uint32_t rtc_seconds(void);
/* Days from 1970 to a day. */
uint32_t rtc_days(uint32_t year, uint32_t month, uint32_t day);

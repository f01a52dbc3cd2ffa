#pragma once
#include <stdint.h>

/* Does what the network has to do; then, if nothing came, idles until an interrupt, a timer, or that time. */
void events_wait(uint64_t until_nanoseconds);

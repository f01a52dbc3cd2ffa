#pragma once
#include <stdint.h>

/* Adds 1 to the decimal number in a file, 0 where there is none; the file has the old or the new one whenever the machine ends. */
int counter_add(const char *path, uint64_t *count);

#pragma once
#include <stddef.h>

void *malloc(size_t length);
void *calloc(size_t count, size_t length);
void *realloc(void *old, size_t length);
void free(void *memory);
int atoi(const char *text);
_Noreturn void abort(void);

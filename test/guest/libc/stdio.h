#pragma once
#include <stdarg.h>
#include <stddef.h>

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int snprintf(char *into, size_t room, const char *format, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *into, size_t room, const char *format, va_list arguments);

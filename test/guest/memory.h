#pragma once
#include <stddef.h>
#include <stdint.h>

struct multiboot_info;

/* Takes the memory behind the image, as the boot loader's map has it; panics where there is none. */
void memory_start(const struct multiboot_info *info);
/* The memory that the machine has for the probe, in bytes. */
uint64_t memory_size(void);
/* Whole pages, not cleared, never given back; without memory the machine hangs as a rump kernel does. */
void *memory_pages(size_t length);
/* As malloc, and hangs in the same way. */
void *memory_need(size_t length);
char *memory_copy_text(const char *text);

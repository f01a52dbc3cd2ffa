#define _GNU_SOURCE
#include "init.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the firmware looks for it (firmware/layout.h, firmware/multiboot.c). */
enum { PLACE = 0x10000, MAGIC = 0x4c434b55 };

void write_command_line(const char *text)
{
	size_t length = strlen(text), size = 2 * sizeof(uint32_t) + length + 1;
	uint32_t *line = malloc(size);
	int memory = open("/guest/memory", O_WRONLY | O_CLOEXEC);
	if (!line || memory < 0)
		fail_errno("could not open the guest's memory");
	line[0] = MAGIC;
	line[1] = (uint32_t)length;
	memcpy(line + 2, text, length + 1);
	if (pwrite(memory, line, size, PLACE) != (ssize_t)size)
		fail_errno("could not write the guest's command line");
	free(line);
	close(memory);
}

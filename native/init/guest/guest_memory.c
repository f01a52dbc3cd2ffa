#define _GNU_SOURCE
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the firmware is told, and where (firmware/layout.h, firmware/multiboot.c). */
enum { PLACE = 0x10000, MAGIC = 0x54424b55 };
struct order {
	uint32_t magic, entry, length, module_start, module_end;
};

static void write_at(int memory, const void *data, size_t length, off_t place)
{
	if (pwrite(memory, data, length, place) != (ssize_t)length)
		fail_errno("could not write to the guest's memory");
}

/* "OFFSET SIZE ADDRESS": a piece of the kernel's file, and where in memory it belongs. The kernel refuses what is outside of either. */
static void copy_piece(int memory, int kernel, const char *value)
{
	long long offset, size, address;
	if (sscanf(value, "%lld %lld %lld", &offset, &size, &address) != 3)
		fail("\"%s\" is no piece of a kernel", value);
	if (lseek(memory, address, SEEK_SET) < 0)
		fail_errno("could not load the kernel");
	const char *trouble = copy_bytes(memory, kernel, offset, size);
	if (trouble)
		fail("could not load the kernel: %s", trouble);
}

void load_kernel(const struct directives *d, const char *file, int kernel)
{
	const char *entry = directives_get(d, WORD_ENTRY);
	int memory = open(file, O_WRONLY | O_CLOEXEC);
	if (!entry || memory < 0)
		fail_errno("could not open the guest's memory");
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each))
		if (each.word == WORD_PIECE)
			copy_piece(memory, kernel, each.value);
	struct order order = { MAGIC, (uint32_t)parse_long(entry), 0, 0, 0 };
	write_at(memory, &order, sizeof order, PLACE);
	close(memory);
}

/* All of `from` but its holes, which stay holes: nothing was written there before. */
void copy_memory(int from)
{
	int memory = open("/" GUEST_MEMORY, O_WRONLY | O_CLOEXEC);
	struct stat is, was;
	if (memory < 0 || fstat(memory, &is) < 0 || fstat(from, &was) < 0)
		fail_errno("could not open the guest's memory");
	if (is.st_size != was.st_size)
		fail("the guest has another memory than the one that was kept");
	for (off_t at = 0, end; (at = lseek(from, at, SEEK_DATA)) >= 0; at = end) {
		if ((end = lseek(from, at, SEEK_HOLE)) < 0 || lseek(memory, at, SEEK_SET) < 0)
			fail_errno("could not find what was kept of the guest's memory");
		const char *trouble = copy_bytes(memory, from, at, end - at);
		if (trouble)
			fail("could not copy the guest's memory: %s", trouble);
	}
	if (errno != ENXIO)
		fail_errno("could not find what was kept of the guest's memory");
	close(memory);
}

void write_command_line(const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	int memory = open("/" GUEST_MEMORY, O_WRONLY | O_CLOEXEC);
	if (memory < 0)
		fail_errno("could not open the guest's memory");
	write_at(memory, &length, sizeof length, PLACE + offsetof(struct order, length));
	write_at(memory, text, length + 1, PLACE + sizeof(struct order));
	close(memory);
}

/* "ADDRESS SIZE" */
void write_module(int module, const char *value)
{
	long long address, size;
	struct stat status;
	int memory = open("/" GUEST_MEMORY, O_WRONLY | O_CLOEXEC);
	if (memory < 0 || fstat(memory, &status) < 0)
		fail_errno("could not open the guest's memory");
	if (sscanf(value, "%lld %lld", &address, &size) != 2 || address < 0 || size < 0 || address > status.st_size - size)
		fail("the guest's memory has no place for its files, \"%s\"", value);
	if (lseek(memory, address, SEEK_SET) < 0)
		fail_errno("could not find the place of the guest's files");
	const char *trouble = copy_bytes(memory, module, 0, size);
	if (trouble)
		fail("could not copy the guest's files into its memory: %s", trouble);
	uint32_t range[] = { (uint32_t)address, (uint32_t)(address + size) };
	write_at(memory, range, sizeof range, PLACE + offsetof(struct order, module_start));
	close(memory);
}

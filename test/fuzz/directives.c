/* The words that init is told, cut anywhere. */
#define _GNU_SOURCE
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void fuzz_once(struct input input)
{
	int file = memfd_create("words", MFD_CLOEXEC);
	must(file >= 0 && write(file, input.data, input.left) == (ssize_t)input.left);
	/* Kept where init would end. */
	static struct directives d;
	free(d.text);
	d = directives_read(file);
	close(file);
	struct directive each;
	size_t cursor = 0, seen = 0;
	must(d.length == input.left);
	while (directives_next(&d, &cursor, &each)) {
		/* Both are texts within what was read. */
		seen += strlen(each.value) + 2;
		must((each.word == WORDS || directives_get(&d, each.word)) && seen <= d.length + 2);
	}
	directives_check(&d, PLAN_CREATE | PLAN_EXEC);
}

const struct seed seeds[] = { SEED("cgroup\0/a\0wait\0\0uid\0" "7"), SEED("\0\0a\0b\0c"), { 0 } };

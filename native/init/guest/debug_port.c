#include "guest/guest.h"

#include <stdio.h>
#include <string.h>

/* debug-code: "VALUE CODE LEAST"; `*` is any value, and the code a number, `#` or `said`. */
void debug_codes_load(struct debug_codes *codes, const struct directives *d)
{
	size_t cursor = 0;
	struct directive each;
	codes->count = 0;
	while (directives_next(d, &cursor, &each)) {
		if (each.word != WORD_DEBUG_CODE)
			continue;
		char value[16], code[16];
		int least;
		if (codes->count == sizeof codes->each / sizeof *codes->each ||
		    sscanf(each.value, "%15s %15s %d", value, code, &least) != 3)
			fail("\"%s\" is no code of a debug port, or one too many", each.value);
		codes->each[codes->count].value = !strcmp(value, "*") ? -1 : (int)parse_long(value);
		codes->each[codes->count].code = !strcmp(code, "#") ? CODE_IS_VALUE :
						 !strcmp(code, "said") ? CODE_WAS_SAID : (int)parse_long(code);
		codes->each[codes->count].least = least;
		codes->count++;
	}
}

/* QEMU ends with twice the byte and 1 (its hw/misc/debugexit.c). */
int debug_code(const struct debug_codes *codes, int status, int said)
{
	if (!(status & 1))
		return -1;
	int value = status >> 1;
	for (size_t i = 0; i < codes->count; i++) {
		if (codes->each[i].value >= 0 && codes->each[i].value != value)
			continue;
		switch (codes->each[i].code) {
		case CODE_IS_VALUE:
			return value;
		case CODE_WAS_SAID:
			return said <= 0 ? codes->each[i].least : said;
		default:
			return codes->each[i].code;
		}
	}
	return -1;
}

/* What a guest's kernel says of its files: names, and the file systems that there are. */
#include "exec/tool.h"

#include "fuzz.h"

#include <stdlib.h>

void fuzz_once(struct input input)
{
	static const char *const kinds[] = { "names", "systems", "bytes" };
	struct exec exec = { .deadline = now_ms() + 1000 };
	uint8_t choice = take_byte(&input);
	size_t length;
	uint8_t *bytes = take_rest(&input, &length);
	files_print(&exec, kinds[choice % 3], bytes, length);
	files_error((int8_t)choice);
	free(bytes);
}

const struct seed seeds[] = {
	SEED("\0" "\2\0\0\0\0\0\0\0\x18\0\1\0\4.\0\0\0\0\0\0\0\0\0\0" "\3\0\0\0\0\0\0\0\x18\0\5\0\x08" "a\x1b[2J\0\0\0\0\0\0"),
	SEED("\1" "short"),
	{ 0 },
};

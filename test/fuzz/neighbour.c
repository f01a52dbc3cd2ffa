/* What a guest asks on its network before it sends to one of exec's tools. */
#include "fuzz.h"
#include "network/network.h"

#include <stdlib.h>
#include <string.h>

/* The answer to a solicitation has an option more, for which frames have room. */
enum { OPTION = 8 };

void fuzz_once(struct input input)
{
	size_t length = input.left;
	uint8_t *frame = malloc(length + OPTION);
	must(frame);
	memcpy(frame, input.data, length);
	must(neighbour_answer(frame, length) <= length + OPTION);
	free(frame);
}

const struct seed seeds[] = {
	SEED("\xff\xff\xff\xff\xff\xff\2\0\0\0\0\1\x08\6\0\1\x08\0\6\4\0\1\2\0\0\0\0\1\x0a\0\0\2\0\0\0\0\0\0\x0a\0\0\1"),
	SEED("\x33\x33\xff\0\0\1\2\0\0\0\0\1\x86\xdd\x60\0\0\0\0\x18\x3a\xff\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\2\xff\2\0\0\0\0\0\0\0\0\0\1\xff\0\0\1"
	     "\x87\0\0\0\0\0\0\0\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1"),
	{ 0 },
};

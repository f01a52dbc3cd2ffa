#include "arguments.h"

#include "memory.h"

#include <stdbool.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* Takes one argument, which starts at *from, to *to; both move behind it. */
static void take(const char **from, char **to)
{
	char quote = '\0';
	while (**from && (quote || !is_blank(**from))) {
		char c = *(*from)++;
		if (c == '\\') {
			if (!**from)
				break;
			*(*to)++ = *(*from)++;
		} else if (quote && c == quote) {
			quote = '\0';
		} else if (c == '"' || c == '\'') {
			quote = c;
		} else {
			*(*to)++ = c;
		}
	}
	if (**from)
		(*from)++;
	*(*to)++ = '\0';
}

char **arguments_split(char *text, int *count)
{
	/* At most every other character starts an argument. */
	char **argv = memory_need((strlen(text) / 2 + 2) * sizeof *argv);
	const char *from = text;
	char *to = text;
	*count = 0;
	for (;;) {
		while (is_blank(*from))
			from++;
		if (!*from)
			break;
		argv[*count] = to;
		take(&from, &to);
		(*count)++;
	}
	argv[*count] = NULL;
	return argv;
}

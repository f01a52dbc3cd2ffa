#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Without memory, what does not fit is left out. */
static int reserve(struct text *text, size_t length)
{
	if (text->length + length <= text->room)
		return 1;
	size_t room = 2 * text->room + length + 256;
	char *data = realloc(text->data, room);
	if (!data)
		return 0;
	text->data = data;
	text->room = room;
	return 1;
}

void text_add_bytes(struct text *text, const void *bytes, size_t length)
{
	if (!reserve(text, length))
		return;
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	if (reserve(text, (size_t)length + 1)) {
		vsnprintf(text->data + text->length, (size_t)length + 1, format, arguments);
		text->length += (size_t)length;
	}
	va_end(arguments);
}

void text_add_json(struct text *text, const char *string)
{
	text_add_bytes(text, "\"", 1);
	for (; *string; string++) {
		unsigned char c = (unsigned char)*string;
		if (c == '"' || c == '\\')
			text_add(text, "\\%c", c);
		else if (c < 32 || c == 127)
			text_add(text, "\\u%04x", c);
		else
			text_add_bytes(text, string, 1);
	}
	text_add_bytes(text, "\"", 1);
}

void text_free(struct text *text)
{
	free(text->data);
	*text = (struct text){ NULL, 0, 0 };
}

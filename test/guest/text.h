/* A text that grows. */
#pragma once
#include <stddef.h>

struct text {
	char *data;
	size_t length, room;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_add_bytes(struct text *text, const void *bytes, size_t length);
/* As a JSON string, with its quotes; bytes that are not ASCII go in as they are. */
void text_add_json(struct text *text, const char *string);
void text_free(struct text *text);

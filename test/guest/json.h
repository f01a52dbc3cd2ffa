/*
 * A tokenizer for the JSON-like text that configures a rump kernel. It has the leniency of the one in rumprun:
 * bare words are values, keys may repeat, a string's escapes are checked and left as they are.
 */
#pragma once
#include <stddef.h>

enum json_kind { JSON_WORD, JSON_OBJECT, JSON_ARRAY, JSON_STRING };

struct json_token {
	enum json_kind kind;
	/* A string's text without its quotes; an object or array with its brackets. */
	int start, end;
	/* Keys of an object, elements of an array, 1 for a key that has its value. */
	int size;
};

/* How many tokens the text has, or -1 where a string or a word is malformed. */
int json_count(const char *text);
/* Fills that many tokens; -1 where brackets do not match. */
int json_parse(const char *text, struct json_token *tokens, int room);

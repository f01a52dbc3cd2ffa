#include "config_token.h"

#include "ending.h"

#include <string.h>

int token_length(const struct json_token *token)
{
	return token->end - token->start;
}

bool token_is(const struct json_token *token, const char *text, const char *name)
{
	return !strncmp(text + token->start, name, (size_t)token_length(token));
}

char *token_text(const struct json_token *token, char *text)
{
	text[token->end] = '\0';
	return text + token->start;
}

void token_expect(const struct json_token *token, const char *text, enum json_kind kind, const char *function)
{
	if (token->kind != kind)
		fail_boot("unexpected type for token \"%.*s\" in \"%s\"", token_length(token), text + token->start, function);
}

void token_expect_size(const struct json_token *token, const char *text, int size, const char *function)
{
	if (token->size != size)
		fail_boot("unexpected size for token \"%.*s\" in \"%s\"", token_length(token), text + token->start, function);
}

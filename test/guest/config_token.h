#pragma once
#include "json.h"

#include <stdbool.h>

int token_length(const struct json_token *token);
/* True also for the beginning of the name, as in rumprun: "rc" stands for "rc_TESTING". */
bool token_is(const struct json_token *token, const char *text, const char *name);
/* The token's text as it stands, ended in place. */
char *token_text(const struct json_token *token, char *text);
/* These end the boot with the words of rumprun's function of that name. */
void token_expect(const struct json_token *token, const char *text, enum json_kind kind, const char *function);
void token_expect_size(const struct json_token *token, const char *text, int size, const char *function);

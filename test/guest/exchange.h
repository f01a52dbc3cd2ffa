/* One TCP connection to somewhere else: a question goes out, and what comes back is gathered. */
#pragma once
#include "text.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange {
	const char *host;
	uint16_t port;
	/* Copied. */
	const void *question;
	size_t question_length;
	/* NULL where the answer ends when the other side closes. */
	bool (*is_whole)(const struct text *answer);
	unsigned seconds;
	/*
	 * Called once, perhaps before exchange_start returns. With a trouble, the answer is what came before it. The answer
	 * is whole only in the caller's eyes: a connection that is closed or reset ends it, and that is no trouble.
	 */
	void (*done)(void *context, const struct text *answer, const char *trouble);
	void *context;
};

/* The name is looked up each time. */
void exchange_start(const struct exchange *exchange);

/* A FastCGI client, for one request on a connection of its own. */
#pragma once
#include <stdint.h>

struct text;

/* Called once, with what the program wrote behind its header fields; with a reason where it failed. */
typedef void (*fastcgi_done)(void *context, const struct text *body, const char *trouble);

/* The script's file is its name there; the query is NULL or text as it stands behind "?". */
void fastcgi_get(const char *host, uint16_t port, const char *script, const char *query, fastcgi_done done, void *context);

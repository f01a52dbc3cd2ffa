#pragma once
#include "http.h"

/* Asks another web server for a page, and answers the connection with all that came, or with what went wrong. */
void http_fetch(struct http_connection *connection, const char *host, uint16_t port, const char *path);

#pragma once
#include "http.h"

/* The page /lookups. */
void lookups_page(struct http_connection *connection, const struct http_request *request);

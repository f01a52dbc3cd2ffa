#pragma once
#include "http.h"

/* The pages /via and /fcgi. */
void via_page(struct http_connection *connection, const struct http_request *request);
void via_fastcgi_page(struct http_connection *connection, const struct http_request *request);

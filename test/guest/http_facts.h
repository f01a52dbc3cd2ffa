#pragma once
#include "http.h"

/* The pages /stat and /sum. */
void http_stat(struct http_connection *connection, const struct http_request *request);
void http_sum(struct http_connection *connection, const struct http_request *request);

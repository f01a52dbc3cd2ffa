#pragma once
#include "http.h"

/* Sees to it that the request is answered. The request is good until this returns. */
void http_answer(struct http_connection *connection, const struct http_request *request);

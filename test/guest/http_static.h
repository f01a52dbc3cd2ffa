#pragma once
#include "http.h"

#define HTTP_STATIC_PREFIX "/static/"

/* What is below the page /static/: the files of $PROBE_ROOT, or /data. */
void http_static(struct http_connection *connection, const struct http_request *request);

#pragma once
#include "http.h"

/* DELETE of /file, and the pages /rename, /link, /truncate and /mode. */
void http_delete_file(struct http_connection *connection, const struct http_request *request);
void http_rename(struct http_connection *connection, const struct http_request *request);
void http_make_link(struct http_connection *connection, const struct http_request *request);
void http_truncate(struct http_connection *connection, const struct http_request *request);
void http_set_mode(struct http_connection *connection, const struct http_request *request);

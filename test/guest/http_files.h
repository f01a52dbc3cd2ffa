#pragma once
#include "http.h"

/* The pages /file, /folder, /list and /disk. */
void http_read_file(struct http_connection *connection, const struct http_request *request);
void http_write_file(struct http_connection *connection, const struct http_request *request);
void http_make_folder(struct http_connection *connection, const struct http_request *request);
void http_list_folder(struct http_connection *connection, const struct http_request *request);
void http_read_disk(struct http_connection *connection, const struct http_request *request);
void http_write_disk(struct http_connection *connection, const struct http_request *request);

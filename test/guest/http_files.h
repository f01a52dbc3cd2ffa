#pragma once
#include "http.h"

enum { HTTP_PATH_ROOM = 1024 };

/* Reads the parameter of that name; answers where it is missing. */
bool http_get_path(struct http_connection *connection, const struct http_request *request, const char *name, char path[HTTP_PATH_ROOM]);
void http_reply_file_error(struct http_connection *connection, const char *path, int error);

/* The pages /file, /folder, /list and /disk. */
void http_read_file(struct http_connection *connection, const struct http_request *request);
void http_write_file(struct http_connection *connection, const struct http_request *request);
void http_make_folder(struct http_connection *connection, const struct http_request *request);
void http_list_folder(struct http_connection *connection, const struct http_request *request);
void http_read_disk(struct http_connection *connection, const struct http_request *request);
void http_write_disk(struct http_connection *connection, const struct http_request *request);

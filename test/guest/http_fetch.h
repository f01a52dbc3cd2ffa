#pragma once
#include "http.h"
#include "text.h"

/* The pages /connect and /greeting. */
void http_connect_page(struct http_connection *connection, const struct http_request *request);
void http_greeting_page(struct http_connection *connection, const struct http_request *request);
/* Writes a GET request of HTTP/1.0. */
void http_fetch_question(struct text *text, const char *host, const char *path);
/* Reads the parameters `host` and `port`; answers where there is no host or the port is none. */
bool http_fetch_target(struct http_connection *connection, const struct http_request *request, char *host, size_t room, uint16_t *port,
		       uint16_t usual_port);

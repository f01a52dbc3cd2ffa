#pragma once
#include "http.h"

struct http_parsed {
	struct http_request request;
	/* Of the whole request in the input. */
	size_t length;
	bool keep_alive, expects_continue, head;
};

enum http_progress { HTTP_INCOMPLETE, HTTP_COMPLETE, HTTP_BAD };

enum { HTTP_HEADER_LIMIT = 8192, HTTP_BODY_LIMIT = 4 << 20 };

/* Looks whether the input holds a whole request; if so, ends its parts in place. */
enum http_progress http_parse(char *input, size_t length, struct http_parsed *parsed);
/* Writes the decoded value of a parameter of the query; false if it is missing or has no room. */
bool http_parameter(const struct http_request *request, const char *name, char *into, size_t room);
/* The same for a number, which is `otherwise` if it is missing. */
uint64_t http_number(const struct http_request *request, const char *name, uint64_t otherwise);
/* Decodes a path (up to the end), or a parameter's value (up to "&", with "+" for a space); false if it has no room. */
bool http_decode(const char *from, const char *end, char *into, size_t room);
/* The Content-Length among a header's lines. */
uint64_t http_announced_length(const char *header_start, const char *header_end, uint64_t otherwise);

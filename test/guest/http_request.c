#include "http_request.h"

#include <stdlib.h>
#include <string.h>

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* The value of a header in the lines that start at `at` and end at `end`, or NULL. */
static const char *header(const char *at, const char *end, const char *name)
{
	while (at < end) {
		const char *line = at, *wanted = name;
		while (*wanted && lower(*line) == *wanted)
			line++, wanted++;
		if (!*wanted && *line == ':') {
			do
				line++;
			while (*line == ' ' || *line == '\t');
			return line;
		}
		at = strchr(at, '\n');
		if (!at)
			return NULL;
		at++;
	}
	return NULL;
}

static bool value_is(const char *value, const char *word)
{
	while (value && *word && lower(*value) == *word)
		value++, word++;
	return value && !*word;
}

static uint64_t number(const char *text)
{
	uint64_t value = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		value = value * 10 + (uint64_t)(*text - '0');
	return value;
}

/* Splits "GET /path?query HTTP/1.1" in place; gives the version or NULL. */
static const char *split_request_line(char *line, struct http_request *request)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;
	if (!version || target[1] != '/')
		return NULL;
	*target++ = '\0';
	*version++ = '\0';
	char *query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	request->method = line;
	request->path = target;
	request->query = query ?: "";
	return strncmp(version, "HTTP/1.", 7) ? NULL : version;
}

enum http_progress http_parse(char *input, size_t length, struct http_parsed *parsed)
{
	char *end = NULL;
	input[length] = '\0';
	*parsed = (struct http_parsed){ .length = 0 };
	for (size_t i = 0; i + 3 < length && !end; i++) {
		if (!input[i])
			return HTTP_BAD;
		if (!memcmp(input + i, "\r\n\r\n", 4))
			end = input + i;
	}
	if (!end)
		return length > HTTP_HEADER_LIMIT ? HTTP_BAD : HTTP_INCOMPLETE;
	const char *headers = strchr(input, '\n') + 1;
	const char *expect = header(headers, end, "expect"), *body_length = header(headers, end, "content-length");
	const char *connection = header(headers, end, "connection");
	uint64_t body = body_length ? number(body_length) : 0;
	size_t header_length = (size_t)(end - input) + 4;
	if (body > HTTP_BODY_LIMIT || header(headers, end, "transfer-encoding"))
		return HTTP_BAD;
	*parsed = (struct http_parsed){ .length = header_length + body, .expects_continue = value_is(expect, "100-continue") };
	if (length < parsed->length)
		return HTTP_INCOMPLETE;
	char *line_end = strchr(input, '\r');
	*line_end = '\0';
	const char *version = split_request_line(input, &parsed->request);
	if (!version)
		return HTTP_BAD;
	parsed->head = !strcmp(parsed->request.method, "HEAD");
	parsed->request.body = input + header_length;
	parsed->request.body_length = body;
	parsed->keep_alive = version[7] == '1' ? !value_is(connection, "close") : value_is(connection, "keep-alive");
	return HTTP_COMPLETE;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_decode(const char *from, const char *end, char *into, size_t room)
{
	size_t at = 0;
	for (; *from && *from != *end; from++) {
		if (at + 1 >= room)
			return false;
		char c = *from == '+' && *end ? ' ' : *from;
		if (c == '%' && hex_digit(from[1]) >= 0 && hex_digit(from[2]) >= 0) {
			c = (char)(hex_digit(from[1]) << 4 | hex_digit(from[2]));
			from += 2;
		}
		into[at++] = c;
	}
	into[at] = '\0';
	return true;
}

bool http_parameter(const struct http_request *request, const char *name, char *into, size_t room)
{
	size_t length = strlen(name);
	const char *part = request->query;
	while (strncmp(part, name, length) || part[length] != '=') {
		part = strchr(part, '&');
		if (!part++)
			return false;
	}
	return http_decode(part + length + 1, "&", into, room);
}

uint64_t http_number(const struct http_request *request, const char *name, uint64_t otherwise)
{
	char text[32];
	return http_parameter(request, name, text, sizeof text) ? number(text) : otherwise;
}

uint64_t http_announced_length(const char *header_start, const char *header_end, uint64_t otherwise)
{
	const char *value = header(header_start, header_end, "content-length");
	return value ? number(value) : otherwise;
}

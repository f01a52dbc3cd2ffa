/* One link of a chain of services: it asks the next one, and passes the answer on. */
#include "via.h"

#include "config.h"
#include "counter.h"
#include "exchange.h"
#include "fastcgi.h"
#include "http_fetch.h"
#include "http_files.h"
#include "http_request.h"
#include "mounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOST_ROOM = 256, SECONDS = 10, PAGE_LIMIT = 1 << 20, MYSQL_PROTOCOL = 10, MYSQL_VERSION_AT = 5 };

struct next {
	/* "http", "fcgi" or "mysql". */
	char scheme[8];
	char host[HOST_ROOM];
	uint16_t port;
	/* With its slash. */
	const char *path;
};

static void fail(struct http_connection *connection, const char *reason)
{
	http_reply_text(connection, 502, "%s: %s.\n", config_environment("PROBE_NEXT") ?: config.hostname, reason);
}

static void reply(struct http_connection *connection, const void *bytes, size_t length)
{
	struct text text = { NULL, 0, 0 };
	text_add(&text, "%s\n", config.hostname);
	text_add_bytes(&text, bytes, length);
	http_reply(connection, 200, "text/plain; charset=utf-8", text.data, text.length);
	text_free(&text);
}

/* Reads "http://php:80/via"; an IPv6 address is in brackets. */
static bool read_next(const char *text, struct next *next)
{
	static const struct {
		const char *scheme;
		uint16_t port;
	} usual[] = { { "http", 80 }, { "fcgi", 9000 }, { "mysql", 3306 } };
	const char *at = strstr(text, "://");
	for (size_t i = 0; at && i < sizeof usual / sizeof *usual; i++) {
		if (strlen(usual[i].scheme) != (size_t)(at - text) || strncmp(text, usual[i].scheme, (size_t)(at - text)))
			continue;
		snprintf(next->scheme, sizeof next->scheme, "%s", usual[i].scheme);
		next->port = usual[i].port;
		const char *host = at + 3, *end = host;
		bool bracket = *host == '[';
		host += bracket;
		end = bracket ? strchr(host, ']') : host;
		while (!bracket && *end && *end != ':' && *end != '/')
			end++;
		if (!end || end == host || end - host >= HOST_ROOM)
			return false;
		snprintf(next->host, sizeof next->host, "%.*s", (int)(end - host), host);
		end += bracket;
		if (*end == ':')
			next->port = (uint16_t)atoi(end + 1);
		next->path = strchr(end, '/') ?: "/";
		return next->port;
	}
	return false;
}

static void http_answered(void *context, const struct text *answer, const char *trouble)
{
	struct text whole = { NULL, 0, 0 };
	text_add_bytes(&whole, answer->data, answer->length);
	text_add_bytes(&whole, "", 1);
	const char *body = trouble ? NULL : strstr(whole.data, "\r\n\r\n");
	const char *status = body ? strchr(whole.data, ' ') : NULL;
	if (trouble) {
		fail(context, trouble);
	} else if (!body || !status || strncmp(whole.data, "HTTP/1.", 7)) {
		fail(context, "the answer is not HTTP, or cut short");
	} else {
		body += 4;
		size_t length = answer->length - (size_t)(body - whole.data);
		uint64_t announced = http_announced_length(whole.data, body, length);
		if (strncmp(status, " 200", 4))
			http_reply_text(context, 502, "%s answered%.4s: %.600s", config_environment("PROBE_NEXT"), status, body);
		else if (length < announced)
			fail(context, "the answer is cut short");
		else
			reply(context, body, length);
	}
	text_free(&whole);
}

static void script_answered(void *context, const struct text *body, const char *trouble)
{
	if (trouble)
		fail(context, trouble);
	else
		reply(context, body->data, body->length);
}

static bool is_whole_greeting(const struct text *answer)
{
	for (size_t at = MYSQL_VERSION_AT; at < answer->length; at++)
		if (!answer->data[at])
			return true;
	return false;
}

static void greeted(void *context, const struct text *answer, const char *trouble)
{
	char line[128];
	if (trouble || !is_whole_greeting(answer) || answer->data[4] != MYSQL_PROTOCOL) {
		fail(context, trouble ?: "it does not greet as MySQL does");
		return;
	}
	snprintf(line, sizeof line, "mysql %s\n", answer->data + MYSQL_VERSION_AT);
	reply(context, line, strlen(line));
}

static void ask_next(struct http_connection *connection, const struct next *next)
{
	struct text question = { NULL, 0, 0 };
	if (!strcmp(next->scheme, "fcgi")) {
		fastcgi_get(next->host, next->port, next->path, NULL, script_answered, connection);
		return;
	}
	bool is_http = !strcmp(next->scheme, "http");
	if (is_http)
		http_fetch_question(&question, next->host, next->path);
	exchange_start(&(struct exchange){
		.host = next->host, .port = next->port, .question = question.data, .question_length = question.length,
		.is_whole = is_http ? NULL : is_whole_greeting, .seconds = SECONDS, .done = is_http ? http_answered : greeted,
		.context = connection,
	});
	text_free(&question);
}

/* The end of the chain: what it has itself. */
static void answer_self(struct http_connection *connection)
{
	const char *page = config_environment("PROBE_PAGE"), *counter = config_environment("PROBE_COUNTER");
	struct text text = { NULL, 0, 0 };
	struct file_facts facts;
	int error = page ? mounts_stat(page, &facts) : 0;
	if (page && !error) {
		size_t room = facts.size < PAGE_LIMIT ? (size_t)facts.size : PAGE_LIMIT;
		char *data = malloc(room + 1);
		long got = data ? mounts_read(page, 0, data, room) : FILE_NO_MEMORY;
		if (got > 0)
			text_add_bytes(&text, data, (size_t)got);
		error = got < 0 ? (int)got : 0;
		free(data);
	}
	uint64_t count;
	if (!error && counter) {
		page = counter;
		error = counter_add(counter, &count);
		text_add(&text, "counter %lu\n", count);
	}
	if (error)
		http_reply_text(connection, 502, "%s: %s\n", page, mounts_error(error));
	else
		reply(connection, text.data, text.length);
	text_free(&text);
}

void via_page(struct http_connection *connection, const struct http_request *request)
{
	const char *setting = config_environment("PROBE_NEXT");
	struct next next;
	(void)request;
	if (!setting)
		answer_self(connection);
	else if (read_next(setting, &next))
		ask_next(connection, &next);
	else
		fail(connection, "PROBE_NEXT is to be http://, fcgi:// or mysql://HOST:PORT/PATH");
}

static void fastcgi_answered(void *context, const struct text *body, const char *trouble)
{
	if (trouble)
		http_reply_text(context, 502, "The request failed: %s.\n", trouble);
	else
		http_reply(context, 200, "application/octet-stream", body->data, body->length);
}

void via_fastcgi_page(struct http_connection *connection, const struct http_request *request)
{
	char host[HOST_ROOM], script[HTTP_PATH_ROOM], query[HTTP_PATH_ROOM];
	uint16_t port;
	if (!http_fetch_target(connection, request, host, sizeof host, &port, 9000) || !http_get_path(connection, request, "script", script))
		return;
	bool has_query = http_parameter(request, "query", query, sizeof query);
	fastcgi_get(host, port, script, has_query ? query : NULL, fastcgi_answered, connection);
}

#include "http_fetch.h"

#include "exchange.h"
#include "http_request.h"

#include <stdio.h>
#include <string.h>

enum { NAME_ROOM = 256, GREETING_MAX = 256, SECONDS = 10, GREETING_SECONDS = 5 };

void http_fetch_question(struct text *text, const char *host, const char *path)
{
	const char *colon = strchr(host, ':');
	text_add(text, "GET %s HTTP/1.0\r\nHost: %s%s%s\r\nUser-Agent: unikrun-probe\r\nConnection: close\r\n\r\n", path, colon ? "[" : "", host,
		 colon ? "]" : "");
}

bool http_fetch_target(struct http_connection *connection, const struct http_request *request, char *host, size_t room, uint16_t *port,
		       uint16_t usual_port)
{
	uint64_t number = http_number(request, "port", usual_port);
	*port = (uint16_t)number;
	if (http_parameter(request, "host", host, room) && number && number <= 65535)
		return true;
	http_reply_text(connection, 400, "Say where to: %s?host=ADDRESS-OR-NAME&port=PORT\n", request->path);
	return false;
}

static void fetched(void *context, const struct text *answer, const char *trouble)
{
	if (trouble)
		http_reply_text(context, 502, "The connection failed: %s.\n", trouble);
	else
		http_reply(context, 200, "application/octet-stream", answer->data, answer->length);
}

void http_connect_page(struct http_connection *connection, const struct http_request *request)
{
	char host[NAME_ROOM], path[NAME_ROOM];
	uint16_t port;
	struct text question = { NULL, 0, 0 };
	if (!http_fetch_target(connection, request, host, sizeof host, &port, 80))
		return;
	if (!http_parameter(request, "path", path, sizeof path))
		snprintf(path, sizeof path, "/");
	http_fetch_question(&question, host, path);
	exchange_start(&(struct exchange){
		.host = host, .port = port, .question = question.data, .question_length = question.length, .seconds = SECONDS,
		.done = fetched, .context = connection,
	});
	text_free(&question);
}

static bool greeted(const struct text *answer)
{
	return answer->length;
}

static void heard(void *context, const struct text *answer, const char *trouble)
{
	if (trouble || !answer->length)
		http_reply_text(context, 502, "The connection failed: %s.\n", trouble ?: "it was closed without a word");
	else
		http_reply(context, 200, "application/octet-stream", answer->data,
			   answer->length < GREETING_MAX ? answer->length : GREETING_MAX);
}

void http_greeting_page(struct http_connection *connection, const struct http_request *request)
{
	char host[NAME_ROOM];
	uint16_t port;
	if (http_fetch_target(connection, request, host, sizeof host, &port, 3306))
		exchange_start(&(struct exchange){
			.host = host, .port = port, .is_whole = greeted, .seconds = GREETING_SECONDS, .done = heard, .context = connection,
		});
}

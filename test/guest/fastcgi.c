#include "fastcgi.h"

#include "exchange.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, BEGIN_REQUEST = 1, END_REQUEST = 3, PARAMS = 4, STDIN = 5, STDOUT = 6, STDERR = 7 };
enum { RESPONDER = 1, ID = 1, HEADER = 8, SECONDS = 10, CLOSE = 0, LONG_LENGTH = 0x80 };

struct asking {
	fastcgi_done done;
	void *context;
};

static void add_record(struct text *text, uint8_t type, const void *content, size_t length)
{
	const uint8_t header[HEADER] = { VERSION, type, 0, ID, (uint8_t)(length >> 8), (uint8_t)length };
	text_add_bytes(text, header, sizeof header);
	text_add_bytes(text, content, length);
}

static void add_length(struct text *text, size_t length)
{
	const uint8_t bytes[4] = { (uint8_t)(length >> 24 | LONG_LENGTH), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length };
	if (length < LONG_LENGTH)
		text_add_bytes(text, bytes + 3, 1);
	else
		text_add_bytes(text, bytes, 4);
}

static void add_parameter(struct text *text, const char *name, const char *value)
{
	add_length(text, strlen(name));
	add_length(text, strlen(value));
	text_add_bytes(text, name, strlen(name));
	text_add_bytes(text, value, strlen(value));
}

static unsigned content_length(const uint8_t *record)
{
	return (unsigned)record[4] << 8 | record[5];
}

/* The next whole record of the answer, or NULL; `at` moves behind it. */
static const uint8_t *next_record(const struct text *answer, size_t *at)
{
	const uint8_t *record = (const uint8_t *)answer->data + *at;
	if (answer->length < *at + HEADER || answer->length < *at + HEADER + content_length(record) + record[6])
		return NULL;
	*at += HEADER + content_length(record) + record[6];
	return record;
}

static bool is_whole(const struct text *answer)
{
	const uint8_t *record;
	size_t at = 0;
	while ((record = next_record(answer, &at)))
		if (record[0] != VERSION || record[1] == END_REQUEST)
			return true;
	return false;
}

/* Gathers the output; gives what is wrong with the answer, or NULL. */
static const char *read_answer(const struct text *answer, struct text *output, struct text *errors)
{
	const uint8_t *record;
	size_t at = 0;
	while ((record = next_record(answer, &at))) {
		const uint8_t *content = record + HEADER;
		if (record[0] != VERSION)
			return "this is not FastCGI";
		if (record[1] == STDOUT)
			text_add_bytes(output, content, content_length(record));
		if (record[1] == STDERR)
			text_add_bytes(errors, content, content_length(record));
		if (record[1] != END_REQUEST)
			continue;
		if (content_length(record) < HEADER || content[4])
			return "the server did not take the request";
		return content[0] | content[1] | content[2] | content[3] ? "the script ended with an error" : NULL;
	}
	return "the answer is cut short";
}

/* The place behind the header fields; `status` is where the value of "Status:" is, or NULL. */
static const char *skip_fields(const char *at, const char **status)
{
	*status = NULL;
	while (*at) {
		const char *end = strchr(at, '\n');
		if (*at == '\n' || (*at == '\r' && at[1] == '\n'))
			return end + 1;
		if (!strncmp(at, "Status: ", 8))
			*status = at + 8;
		if (!end)
			break;
		at = end + 1;
	}
	return NULL;
}

static void answered(void *context, const struct text *answer, const char *trouble)
{
	struct asking asking = *(struct asking *)context;
	struct text output = { NULL, 0, 0 }, errors = { NULL, 0, 0 };
	char reason[512];
	const char *status = NULL, *body = NULL;
	free(context);
	if (!trouble)
		trouble = read_answer(answer, &output, &errors);
	text_add_bytes(&output, "", 1);
	text_add_bytes(&errors, "", 1);
	if (!trouble) {
		body = skip_fields(output.data, &status);
		if (!body)
			trouble = "there are no header fields";
		else if (status && *status != '2') {
			snprintf(reason, sizeof reason, "the script's status is %.3s: %.300s", status, body);
			trouble = reason;
		}
	}
	if (trouble && trouble != reason && errors.length > 1) {
		snprintf(reason, sizeof reason, "%s: %.300s", trouble, errors.data);
		trouble = reason;
	}
	size_t length = trouble ? 0 : output.length - 1 - (size_t)(body - output.data);
	asking.done(asking.context, &(struct text){ (char *)body, length, length }, trouble);
	text_free(&output);
	text_free(&errors);
}

void fastcgi_get(const char *host, uint16_t port, const char *script, const char *query, fastcgi_done done, void *context)
{
	static const uint8_t begin[HEADER] = { 0, RESPONDER, CLOSE };
	struct text question = { NULL, 0, 0 }, parameters = { NULL, 0, 0 }, uri = { NULL, 0, 0 };
	struct asking *asking = malloc(sizeof *asking);
	if (!asking) {
		done(context, &question, "no memory");
		return;
	}
	*asking = (struct asking){ done, context };
	text_add(&uri, "%s%s%s", script, query ? "?" : "", query ?: "");
	text_add_bytes(&uri, "", 1);
	add_parameter(&parameters, "SCRIPT_FILENAME", script);
	add_parameter(&parameters, "SCRIPT_NAME", script);
	add_parameter(&parameters, "REQUEST_URI", uri.data);
	add_parameter(&parameters, "QUERY_STRING", query ?: "");
	add_parameter(&parameters, "REQUEST_METHOD", "GET");
	add_parameter(&parameters, "SERVER_PROTOCOL", "HTTP/1.1");
	add_parameter(&parameters, "GATEWAY_INTERFACE", "CGI/1.1");
	add_record(&question, BEGIN_REQUEST, begin, sizeof begin);
	add_record(&question, PARAMS, parameters.data, parameters.length);
	add_record(&question, PARAMS, NULL, 0);
	add_record(&question, STDIN, NULL, 0);
	exchange_start(&(struct exchange){
		.host = host, .port = port, .question = question.data, .question_length = question.length, .is_whole = is_whole,
		.seconds = SECONDS, .done = answered, .context = asking,
	});
	text_free(&question);
	text_free(&parameters);
	text_free(&uri);
}

#include "json.h"

#include <stdbool.h>
#include <string.h>

struct parser {
	const char *text;
	struct json_token *tokens;
	int count;
	/* The token whose size the next one adds to, or -1. */
	int parent;
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Gives the place of the closing quote, or -1. */
static int string_end(const char *text, int at)
{
	for (at++; text[at]; at++) {
		if (text[at] == '"')
			return at;
		if (text[at] != '\\' || !text[at + 1])
			continue;
		at++;
		if (text[at] == 'u') {
			for (int digits = 0; digits < 4 && text[at + 1]; digits++)
				if (!is_hex(text[++at]))
					return -1;
		} else if (!strchr("\"/\\bfrnt", text[at])) {
			return -1;
		}
	}
	return -1;
}

/* Gives the place behind the word, or -1; a word that nothing ends is still one. */
static int word_end(const char *text, int at)
{
	for (; text[at] && !strchr(":\t\r\n ,]}", text[at]); at++)
		if (text[at] < 32 || text[at] >= 127)
			return -1;
	return at;
}

int json_count(const char *text)
{
	int count = 0;
	for (int at = 0; text[at]; at++) {
		if (strchr("}]\t\r\n :,", text[at]))
			continue;
		count++;
		if (text[at] == '"')
			at = string_end(text, at);
		else if (text[at] != '{' && text[at] != '[')
			at = word_end(text, at) - 1;
		if (at < 0)
			return -1;
	}
	return count;
}

static int innermost_open(const struct parser *p)
{
	int at = p->count - 1;
	while (at >= 0 && p->tokens[at].end >= 0)
		at--;
	return at;
}

static void add(struct parser *p, enum json_kind kind, int start, int end)
{
	p->tokens[p->count] = (struct json_token){ kind, start, end, 0 };
	if (p->parent >= 0)
		p->tokens[p->parent].size++;
	p->count++;
}

static bool close_container(struct parser *p, int at)
{
	int open = innermost_open(p);
	enum json_kind kind = p->text[at] == '}' ? JSON_OBJECT : JSON_ARRAY;
	if (open < 0 || p->tokens[open].kind != kind)
		return false;
	p->tokens[open].end = at + 1;
	p->parent = innermost_open(p);
	return true;
}

static bool is_container(const struct json_token *token)
{
	return token->kind == JSON_OBJECT || token->kind == JSON_ARRAY;
}

int json_parse(const char *text, struct json_token *tokens, int room)
{
	struct parser p = { text, tokens, 0, -1 };
	for (int at = 0; text[at]; at++) {
		int end;
		switch (text[at]) {
		case '{':
		case '[':
			if (p.count == room)
				return -1;
			add(&p, text[at] == '{' ? JSON_OBJECT : JSON_ARRAY, at, -1);
			p.parent = p.count - 1;
			break;
		case '}':
		case ']':
			if (!close_container(&p, at))
				return -1;
			break;
		case ':':
			p.parent = p.count - 1;
			break;
		case ',':
			if (p.parent >= 0 && !is_container(&tokens[p.parent]))
				p.parent = innermost_open(&p);
			break;
		case '\t':
		case '\r':
		case '\n':
		case ' ':
			break;
		default:
			end = text[at] == '"' ? string_end(text, at) : word_end(text, at);
			if (p.count == room || end < 0)
				return -1;
			if (text[at] == '"')
				add(&p, JSON_STRING, at + 1, end);
			else
				add(&p, JSON_WORD, at, end--);
			at = end;
		}
	}
	return innermost_open(&p) < 0 ? p.count : -1;
}

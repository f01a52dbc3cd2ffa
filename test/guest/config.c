#include "config.h"

#include "arguments.h"
#include "config_devices.h"
#include "config_token.h"
#include "ending.h"
#include "memory.h"
#include "mounts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_LIMIT = 64 * 1024 };

static char *environment[ENVIRONMENT_MAX + 1];

struct config config = { .hostname = "rumprun", .environment = environment };

static void add_execution(struct execution execution)
{
	if (config.execution_count == PROGRAMS_MAX)
		fail_boot("allocate rumprun_exec: Cannot allocate memory");
	config.executions[config.execution_count++] = execution;
}

static void add_command_line(char *text)
{
	struct execution execution = { .from_cmdline = 1 };
	execution.argv = arguments_split(text, &execution.argc);
	add_execution(execution);
}

static int handle_cmdline(struct json_token *token, char *text)
{
	token_expect(token, text, JSON_STRING, "handle_cmdline");
	add_command_line(token_text(token, text));
	return 1;
}

/* One element of "rc"; gives the number of its tokens. */
static int add_program(struct json_token *token, char *text)
{
	struct json_token *start = token, *bin = NULL, *argv = NULL, *mode = NULL;
	int keys = token->size;
	token_expect(token++, text, JSON_OBJECT, "addbin");
	while (keys--) {
		struct json_token *key = token++, *value = token++;
		token_expect(key, text, JSON_STRING, "addbin");
		if (token_is(key, text, "argv")) {
			token_expect(value, text, JSON_ARRAY, "addbin");
			argv = value;
			token += value->size;
			continue;
		}
		bool is_bin = token_is(key, text, "bin");
		if (!is_bin && !token_is(key, text, "runmode"))
			fail_boot("unexpected key \"%.*s\" in \"addbin\"", token_length(key), text + key->start);
		token_expect_size(key, text, 1, "addbin");
		token_expect(value, text, JSON_STRING, "addbin");
		token_expect_size(value, text, 0, "addbin");
		*(is_bin ? &bin : &mode) = value;
	}
	if (!bin)
		fail_boot("missing \"bin\" for rc entry");
	if (mode && (token_length(mode) != 1 || !strchr("&|", text[mode->start])))
		fail_boot("invalid runmode \"%.*s\" for bin \"%.*s\"", token_length(mode), text + mode->start, token_length(bin),
			  text + bin->start);
	if (mode && text[mode->start] == '|')
		fail_boot("the probe guest has no pipes");
	if (!argv)
		fail_boot("missing \"argv\" for rc entry (a rump kernel crashes here)");
	struct execution execution = { .argc = 1 + argv->size };
	execution.argv = memory_need((size_t)(execution.argc + 1) * sizeof(char *));
	execution.argv[0] = token_text(bin, text);
	for (int i = 1; i < execution.argc; i++) {
		token_expect(argv + i, text, JSON_STRING, "addbin");
		execution.argv[i] = token_text(argv + i, text);
	}
	execution.argv[execution.argc] = NULL;
	add_execution(execution);
	return (int)(token - start);
}

static int handle_rc(struct json_token *token, char *text)
{
	struct json_token *start = token;
	int programs = token->size;
	token_expect(token++, text, JSON_ARRAY, "handle_rc");
	while (programs--)
		token += add_program(token, text);
	return (int)(token - start);
}

static int handle_env(struct json_token *token, char *text)
{
	token_expect(token, text, JSON_STRING, "handle_env");
	char *setting = token_text(token, text), *equals = strchr(setting, '=');
	if (!equals || equals == setting)
		fail_boot("putenv: Invalid argument");
	int at = 0;
	while (config.environment[at] && strncmp(config.environment[at], setting, (size_t)(equals - setting) + 1))
		at++;
	if (at == ENVIRONMENT_MAX)
		fail_boot("putenv: Cannot allocate memory");
	config.environment[at] = setting;
	return 1;
}

static int handle_hostname(struct json_token *token, char *text)
{
	token_expect(token, text, JSON_STRING, "handle_hostname");
	if (token_length(token) >= 256)
		fail_boot("sethostname: Invalid argument");
	config.hostname = token_text(token, text);
	return 1;
}

static const struct {
	const char *name;
	int (*handle)(struct json_token *token, char *text);
} handlers[] = {
	{ "cmdline", handle_cmdline }, { "rc_TESTING", handle_rc },   { "env", handle_env },
	{ "hostname", handle_hostname }, { "blk", config_handle_blk }, { "net", config_handle_net },
};

enum { HANDLERS = sizeof handlers / sizeof *handlers };

static char *read_root_file(const char *path)
{
	if (!mounts_mount("/dev/ld0a", "/rootfs"))
		fail_boot("failed to mount rootfs from image");
	char full[512];
	while (*path == '/')
		path++;
	snprintf(full, sizeof full, "/rootfs/%s", path);
	char *text = memory_need(FILE_LIMIT + 1);
	long length = mounts_read(full, 0, text, FILE_LIMIT + 1);
	if (length < 0)
		fail_boot("open %s: %s", path, mounts_error((int)length));
	if (length > FILE_LIMIT)
		fail_boot("unbelievable cfg file size, increase CFGMAXSIZE");
	text[length] = '\0';
	return text;
}

static void handle_all(struct json_token *tokens, int count, char *text)
{
	token_expect(tokens, text, JSON_OBJECT, "rumprun_config");
	for (struct json_token *token = tokens; token < tokens + count;) {
		if (token->kind == JSON_OBJECT) {
			token++;
			continue;
		}
		token_expect(token, text, JSON_STRING, "rumprun_config");
		int i = 0;
		while (i < HANDLERS && !token_is(token, text, handlers[i].name))
			i++;
		if (i == HANDLERS)
			fail_boot("no match for key \"%.*s\"", token_length(token), text + token->start);
		token++;
		token += handlers[i].handle(token, text);
	}
}

void config_read(char *text)
{
	char *file = strstr(text, "_RUMPRUN_ROOTFSCFG=");
	if (file)
		text = read_root_file(strchr(file, '=') + 1);
	text = strchr(text, '{');
	if (!text) {
		printf("rumprun: could not find start of json.  no config?\n");
		add_command_line(memory_copy_text("rumprun"));
		return;
	}
	int count = json_count(text);
	if (count <= 0)
		fail_boot("json parse failed 1");
	/* One more, of no kind: a key at the very end is then refused, not read past. */
	struct json_token *tokens = memory_need((size_t)(count + 1) * sizeof *tokens);
	tokens[count] = (struct json_token){ JSON_WORD, 0, 0, 0 };
	if (json_parse(text, tokens, count) < 1)
		fail_boot("json parse failed 2");
	handle_all(tokens, count, text);
	if (!config.execution_count)
		fail_boot("rumprun_config: no bins");
	free(tokens);
}

const char *config_environment(const char *name)
{
	size_t length = strlen(name);
	for (char **setting = config.environment; *setting; setting++)
		if (!strncmp(*setting, name, length) && (*setting)[length] == '=')
			return *setting + length + 1;
	return NULL;
}

#include "guest/guest.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A rule is the six directives rule-phase, rule-next, rule-code, rule-halts, rule-say and, closing it, rule-line. */
void rules_load(struct rules *rules, const struct directives *d)
{
	*rules = (struct rules){ .code = -1, .phase = "boot" };
	struct rule next = { 0 };
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each)) {
		if (each.word == WORD_RULE_PHASE)
			next.phase = each.value;
		else if (each.word == WORD_RULE_NEXT)
			next.next = each.value;
		else if (each.word == WORD_RULE_CODE)
			next.code = each.value;
		else if (each.word == WORD_RULE_HALTS)
			next.halts = true;
		else if (each.word == WORD_RULE_SAY)
			next.say = each.value;
		else if (each.word == WORD_RULE_LINE) {
			next.line = each.value;
			if (rules->count == sizeof rules->rule / sizeof *rules->rule)
				fail("the plan has too many exit rules");
			rules->rule[rules->count++] = next;
			next = (struct rule){ 0 };
		}
	}
}

/* `*` stands for any text, `#` for a decimal integer, `@` for two hexadecimal digits, everything else for itself. */
static bool matches(const char *template, const char *line, int *number)
{
	for (; *template; template++) {
		if (*template == '*') {
			for (; *line; line++)
				if (matches(template + 1, line, number))
					return true;
			return matches(template + 1, line, number);
		}
		if (*template == '#') {
			char *end;
			long value = strtol(line, &end, 10);
			if (end == line || isspace((unsigned char)*line) || *line == '+')
				return false;
			*number = (int)(value & 0xff);
			line = end;
			continue;
		}
		if (*template == '@') {
			unsigned value;
			if (!isxdigit((unsigned char)line[0]) || !isxdigit((unsigned char)line[1]) || sscanf(line, "%2x", &value) != 1)
				return false;
			*number = (int)value;
			line += 2;
			continue;
		}
		if (*template != *line++)
			return false;
	}
	return !*line;
}

enum verdict rules_line(struct rules *rules, const char *line)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->rule[i];
		int number = 0;
		if ((rule->phase && strcmp(rule->phase, rules->phase)) || !matches(rule->line, line, &number))
			continue;
		if (rule->code)
			rules->code = !strcmp(rule->code, "#") ? number :
				      /* As wait(2) has it, with a bit for a core dump. */
				      !strcmp(rule->code, "signal") ? 128 + (number & 0x7f) : (int)parse_long(rule->code) & 0xff;
		if (rule->next)
			snprintf(rules->phase, sizeof rules->phase, "%s", rule->next);
		if (rule->say)
			rules->remark = rule->say;
		if (rule->halts)
			return HALTS;
		return rule->next && !strcmp(rule->next, "ended") ? ENDS : GOES_ON;
	}
	return GOES_ON;
}

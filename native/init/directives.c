#include "init.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct directives directives_read(int fd)
{
	struct directives d = { NULL, 0 };
	off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		fail_errno("could not read the directives");
	d.text = malloc((size_t)size + 2);
	if (!d.text)
		fail_errno("no memory for the directives");
	while (d.length < (size_t)size) {
		ssize_t n = pread(fd, d.text + d.length, (size_t)size - d.length, (off_t)d.length);
		if (n <= 0)
			fail_errno("could not read the directives");
		d.length += (size_t)n;
	}
	/* An unfinished last pair must not run past the end. */
	d.text[d.length] = d.text[d.length + 1] = '\0';
	return d;
}

static const struct entry {
	const char *name;
	unsigned plans;
} table[] = { WORD_TABLE };

/* The next pair's word as it is written, or NULL. */
static const char *step(const struct directives *d, size_t *cursor, const char **value)
{
	if (*cursor >= d->length)
		return NULL;
	const char *name = d->text + *cursor;
	*cursor += strlen(name) + 1;
	*value = d->text + (*cursor <= d->length ? *cursor : d->length);
	*cursor += strlen(*value) + 1;
	return name;
}

static int compare(const void *name, const void *entry)
{
	return strcmp(name, ((const struct entry *)entry)->name);
}

/* WORDS where there is no such one. */
static enum word find(const char *name)
{
	const struct entry *found = bsearch(name, table, WORDS, sizeof *table, compare);
	return found ? (enum word)(found - table) : WORDS;
}

void directives_check(const struct directives *d, unsigned plans)
{
	size_t cursor = 0;
	const char *name, *value;
	while ((name = step(d, &cursor, &value))) {
		enum word word = find(name);
		if (word == WORDS || !(table[word].plans & plans))
			fail("its init does not know the directive \"%.64s\": create the container anew if unikrun was replaced meanwhile", name);
	}
}

bool directives_next(const struct directives *d, size_t *cursor, struct directive *out)
{
	const char *name = step(d, cursor, &out->value);
	out->word = name ? find(name) : WORDS;
	return name;
}

const char *directives_get(const struct directives *d, enum word word)
{
	size_t cursor = 0;
	const char *name, *value;
	while ((name = step(d, &cursor, &value)))
		if (!strcmp(name, table[word].name))
			return value;
	return NULL;
}

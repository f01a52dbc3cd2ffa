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

bool directives_next(const struct directives *d, size_t *cursor, struct directive *out)
{
	if (*cursor >= d->length)
		return false;
	out->key = d->text + *cursor;
	*cursor += strlen(out->key) + 1;
	out->value = d->text + (*cursor <= d->length ? *cursor : d->length);
	*cursor += strlen(out->value) + 1;
	return true;
}

const char *directives_get(const struct directives *d, const char *key)
{
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each))
		if (!strcmp(each.key, key))
			return each.value;
	return NULL;
}

/* init's word on how a machine ended, for debug-port.test.ts: DIRECTIVES STATUS WORDS, QEMU's exit status and what it said; the exit code. */
#include "machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Here it is always QEMU. */
int tender_code(struct machine *m)
{
	(void)m;
	abort();
}

int main(int argc, char **argv)
{
	static struct machine m;
	static struct directives d;
	int file = argc > 3 ? open(argv[1], O_RDONLY) : -1;
	if (file < 0)
		return 2;
	d = directives_read(file);
	debug_codes_load(&m.debug_codes, &d);
	m.rules.code = -1;
	m.gone = true;
	m.status = atoi(argv[2]) << 8;
	m.words_used = (size_t)snprintf(m.words, sizeof m.words, "%s", argv[3]);
	printf("%d\n", exit_code(&m));
	return 0;
}

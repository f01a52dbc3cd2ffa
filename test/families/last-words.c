/* init's reader of a console, for exit-rules.test.ts: DIRECTIVES CHUNK...; after each chunk what it makes of it, and the code. */
#include "guest/guest.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static struct console console;
	static struct rules rules;
	int ends[2];
	int file = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	if (file < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) < 0)
		return 2;
	struct directives d = directives_read(file);
	rules_load(&rules, &d);
	console.guest = ends[0];
	for (int i = 2; i < argc; i++) {
		static const char *const names[] = { "goes on", "halts", "ends" };
		bool spoke = false;
		if (!write_all(ends[1], argv[i], strlen(argv[i])))
			return 2;
		enum verdict verdict = console_from_guest(&console, &rules, &spoke);
		printf("%s %d\n", names[verdict], rules.code);
	}
	return 0;
}

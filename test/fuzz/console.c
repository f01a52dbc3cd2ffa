/* What a guest prints, chunk by chunk, its kernel's last words among it, and what is typed to it. */
#define _GNU_SOURCE
#include "fuzz.h"
#include "guest/guest.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of the form of the families' rules, with all that a template can have. */
#define RULES "rule-phase\0boot\0rule-next\0main\0rule-line\0=== calling * main() ===\0" \
	      "rule-phase\0main\0rule-next\0ending\0rule-code\0#\0rule-line\0=== main() of * returned # ===\0" \
	      "rule-code\0" "134\0rule-line\0panic: *#*\0rule-next\0ended\0rule-line\0gone\0rule-halts\0\0rule-line\0halted\0"

void fuzz_once(struct input input)
{
	static char words[] = RULES;
	struct directives d = { words, sizeof words - 1 };
	static struct console console;
	struct rules rules;
	int ends[2];
	const uint8_t *piece;
	size_t length;
	memset(&console, 0, sizeof console);
	rules_load(&rules, &d);
	make_pair(ends, SOCK_STREAM);
	console.guest = ends[0];
	while (take_piece(&input, &piece, &length)) {
		bool spoke = false;
		(void)!send(ends[1], piece, length, 0);
		console_from_guest(&console, &rules, &spoke);
		must(spoke == (length > 0) && console.out_used <= sizeof console.out && console.line_used <= CONSOLE_LINE);
		while (console_pending(&console))
			console_to_output(&console);
		must(rules.code >= -1 && rules.code <= 255 && memchr(rules.phase, 0, sizeof rules.phase));
	}
	shutdown(ends[1], SHUT_WR);
	bool spoke = false;
	/* Of a piece that was longer than one reading. */
	for (int i = 0; i < 64 && !console.guest_gone; i++)
		console_from_guest(&console, &rules, &spoke);
	close(ends[0]);
	close(ends[1]);
}

const struct seed seeds[] = {
	SEED("\x1d\0=== calling \"x\" main() ===\r\n\x24\0=== main() of \"x\" returned 3 ===\r\n\x08\0halted\r\n"),
	SEED("\x0d\0panic: a 7 b\n\7\0a\r\rb\r\nc\x05\0gone\n"),
	{ 0 },
};

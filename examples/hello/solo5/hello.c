/* Says hello and what it was told. Solo5 has no C library, and its guests no environment. */
#include <solo5.h>

static void say(const char *text)
{
	size_t size = 0;
	while (text[size])
		size++;
	solo5_console_write(text, size);
}

int solo5_app_main(const struct solo5_start_info *start)
{
	say("hello from Solo5, the arguments are ");
	say(start->cmdline);
	say("\n");
	return 0;
}

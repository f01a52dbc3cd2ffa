/*
 * Speaks Unikraft's contract (its plat/kvm, lib/ukboot and lib/ukargparse): the section by which it is known, parameters and arguments on its
 * command line, files in a multiboot module, and QEMU's debug port. It says what it was given, and ends as its first argument says:
 * "return N", "silent N", "crash", "late", "fault", "random", "serve", "hear N": the same as "return N"
 * as soon as somebody types, with its files once more.
 */
#include "../multiboot.h"
#include "../plain.h"

#include <stddef.h>

enum { DEBUG_PORT = 0x501, HALTED = 41, CRASHED = 42 };

/* lib/uklibid's include/uk/libid/info.h: a header with one record, the version. */
static const struct {
	uint32_t length;
	uint16_t layout, type;
	uint32_t record_length;
	char version[7];
} __attribute__((packed)) info __attribute__((section(".uk_libinfo"), used)) = { sizeof info, 1, 6, 6 + 7, "0.17.9" };

/* lib/uklibparam's: it takes three environment variables. */
static const struct parameter {
	const char *prefix, *name, *description;
	uint32_t type;
	uint64_t count;
	void *place;
} parameters[] __attribute__((section(".uk_libparam_params"), used)) = {
	{ "env", "vars", "Environment variables", 13, 3, 0 },
	{ "netdev", "ip", "IPv4 einfo: cidr[:gw[:dns0[:dns1[:hostname[:domain]]]]]", 13, 4, 0 },
	{ "vfs", "fstab", "Automount table: dev:path:fs[:flags[:opts[:ukopts]]]", 13, 4, 0 },
};

/* boot.S finds what the BIOS said of it, which nobody here asks for. */
uint16_t bios_com1, bios_crtc;

static _Noreturn void end(uint16_t value)
{
	out16(DEBUG_PORT, value);
	for (;;)
		__asm__ volatile("cli; hlt");
}

static int is(const char *text, const char *word)
{
	while (*word && *text == *word)
		text++, word++;
	return *text == *word;
}

/* In place, as lib/ukargparse does, but for single quotes. */
static int words_in(char *line, char **words, int most)
{
	int count = 0;
	while (count < most) {
		while (*line == ' ')
			line++;
		if (!*line)
			break;
		char *to = line;
		int in_quotes = 0;
		words[count++] = to;
		for (; *line && (in_quotes || *line != ' '); line++) {
			if (*line == '"') {
				in_quotes = !in_quotes;
				continue;
			}
			if (*line == '\\' && (line[1] == '"' || line[1] == '\\'))
				line++;
			*to++ = *line;
		}
		line += *line == ' ';
		*to = '\0';
	}
	return count;
}

static unsigned hexadecimal(const char *field)
{
	unsigned value = 0;
	for (int i = 0; i < 8; i++)
		value = value << 4 | (unsigned)(field[i] <= '9' ? field[i] - '0' : (field[i] | 32) - 'a' + 10);
	return value;
}

static void say_octal(unsigned value)
{
	if (value > 7)
		say_octal(value >> 3);
	put((char)('0' + (value & 7)));
}

/* cpio(5), "newc": 13 fields of 8 hexadecimal digits behind the magic, the name, the content, each at a multiple of 4. */
static void list_files(const char *archive, const char *end)
{
	enum { MODE = 1, SIZE = 6, NAME_SIZE = 11, HEADER = 110, SHOWN = 40 };
	while (archive + HEADER <= end) {
		const char *field = archive + 6;
		const char *name = archive + HEADER;
		unsigned size = hexadecimal(field + 8 * SIZE), name_size = hexadecimal(field + 8 * NAME_SIZE);
		if (!is(name + name_size - 11, "TRAILER!!!") || name_size != 11) {
			const char *content = archive + ((HEADER + name_size + 3) & ~3u);
			say("file ");
			say(name);
			say(" ");
			say_octal(hexadecimal(field + 8 * MODE));
			say(" ");
			say_number(size);
			say(": ");
			for (unsigned i = 0; i < size && i < SHOWN && content[i] != '\n'; i++)
				put(content[i]);
			say("\n");
			archive = content + ((size + 3) & ~3u);
			continue;
		}
		say("end of files\n");
		return;
	}
	say("the archive is cut\n");
}

static void say_files(const struct multiboot_info *boot)
{
	const struct multiboot_module *module = (void *)(uintptr_t)boot->modules;
	if (boot->flags & MULTIBOOT_HAS_MODULES && boot->module_count)
		list_files((const char *)(uintptr_t)module->start, (const char *)(uintptr_t)module->end);
}

/* What ukrandom looks for before it boots. */
static void say_processor(void)
{
	enum { RDRAND = 1 << 30, RDSEED = 1 << 18 };
	uint32_t a = 1, b, c = 0, d;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	say(c & RDRAND ? "processor: rdrand" : "processor:");
	a = 7, c = 0;
	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	say(b & RDSEED ? " rdseed\n" : "\n");
}

void kernel_main(const struct multiboot_info *boot)
{
	static char *words[100];
	say_processor();
	int count = words_in((char *)(uintptr_t)boot->command_line, words, 100), first = 1;
	while (first < count && !is(words[first], "--")) {
		say("parameter ");
		say(words[first++]);
		say("\n");
	}
	for (int i = first + 1; i < count; i++) {
		say("argument ");
		say_number((unsigned)(i - first));
		say(": ");
		say(words[i]);
		say("\n");
	}
	say_files(boot);
	const char *what = first + 1 < count ? words[first + 1] : "", *number = first + 2 < count ? words[first + 2] : NULL;
	if (is(what, "crash"))
		end(CRASHED);
	if (is(what, "late")) {
		say("[    0.000000] Info: [libukboot] <boot.c @  472> main returned 0\r\n");
		end(CRASHED);
	}
	if (is(what, "fault")) {
		say("[    0.000000] CRIT: [libkvmplat] <traps.c @  113> Crashing\r\n");
		end(CRASHED);
	}
	if (is(what, "random")) {
		say("[    0.000000] ERR:  [libukrandom] <random.c @   65> Could not initialize the HWRNG (-95)\r\n");
		end(CRASHED);
	}
	while (is(what, "serve"))
		__asm__ volatile("cli; hlt");
	if (is(what, "hear")) {
		while (!(in8(COM1 + LINE_STATUS) & HAS_BYTE))
			;
		say_files(boot);
	}
	if (!is(what, "silent")) {
		say("[    0.000000] Info: [libukboot] <boot.c @  472> main returned ");
		say_number(number_in(number));
		say("\r\n");
	}
	end(HALTED);
}

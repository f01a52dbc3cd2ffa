#include "exec/tool.h"

#include <stdio.h>
#include <string.h>

/* What a NetBSD says of its files, for people. Structures are those of NetBSD 7.99/amd64: sys/sys/{dirent,statvfs}.h. */

/* A guest may call a file anything, and a terminal takes some of it as orders. */
static bool print_text(const struct exec *exec, const uint8_t *text, size_t length, char end)
{
	char line[1100];
	size_t used = 0;
	for (; used < length && used < sizeof line - 1 && text[used]; used++)
		line[used] = (char)(text[used] < ' ' || text[used] == 0x7f ? '?' : text[used]);
	line[used++] = end;
	return exec_write(exec, 1, line, used);
}

/* struct dirent: inode, the record's length, the name's, its kind, the name */
static bool print_names(const struct exec *exec, const uint8_t *bytes, size_t length)
{
	enum { NAME = 13 };
	for (size_t at = 0; at + NAME < length;) {
		uint16_t record, name;
		uint64_t inode;
		memcpy(&inode, bytes + at, sizeof inode);
		memcpy(&record, bytes + at + 8, sizeof record);
		memcpy(&name, bytes + at + 10, sizeof name);
		if (record < NAME || record > length - at || name > record - NAME)
			return false;
		const uint8_t *text = bytes + at + NAME;
		bool is_itself = (name == 1 && text[0] == '.') || (name == 2 && text[0] == '.' && text[1] == '.');
		if (inode && !is_itself && !print_text(exec, text, name, '\n'))
			return false;
		at += record;
	}
	return true;
}

static uint64_t word_at(const uint8_t *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return word;
}

/* struct statvfs; sizes in KiB, as df -k has them */
static bool print_systems(const struct exec *exec, const uint8_t *bytes, size_t length)
{
	enum { FRAGMENT = 16, BLOCKS = 32, FREE = 40, AVAILABLE = 48, TYPE = 172, ON = 204, NAME = 1024, TYPE_NAME = 32 };
	char line[128];
	int n = snprintf(line, sizeof line, "%-10s %12s %12s %12s %s\n", "type", "KiB", "used", "available", "on");
	bool taken = exec_write(exec, 1, line, (size_t)n);
	for (size_t at = 0; taken && at + FILE_SYSTEM <= length; at += FILE_SYSTEM) {
		const uint8_t *each = bytes + at;
		double fragment = (double)word_at(each + FRAGMENT) / 1024;
		uint64_t blocks = word_at(each + BLOCKS), unused = word_at(each + FREE);
		char type[TYPE_NAME + 1] = "";
		for (size_t i = 0; i < TYPE_NAME && each[TYPE + i] > ' ' && each[TYPE + i] < 0x7f; i++)
			type[i] = (char)each[TYPE + i];
		n = snprintf(line, sizeof line, "%-10s %12.0f %12.0f %12.0f ", type, (double)blocks * fragment,
			     (double)(blocks > unused ? blocks - unused : 0) * fragment, (double)word_at(each + AVAILABLE) * fragment);
		taken = exec_write(exec, 1, line, (size_t)n) && print_text(exec, each + ON, NAME, '\n');
	}
	return taken;
}

bool files_print(const struct exec *exec, const char *kind, const uint8_t *bytes, size_t length)
{
	if (!strcmp(kind, "names"))
		return print_names(exec, bytes, length);
	if (!strcmp(kind, "systems"))
		return print_systems(exec, bytes, length);
	return exec_write(exec, 1, (const char *)bytes, length);
}

const char *files_error(int error)
{
	static const char *const texts[] = {
		[1] = "Operation not permitted", [2] = "No such file or directory", [5] = "Input/output error",
		[6] = "Device not configured",	 [13] = "Permission denied",	    [20] = "Not a directory",
		[21] = "Is a directory",	 [62] = "Too many levels of symbolic links",
	};
	size_t count = sizeof texts / sizeof *texts;
	return error >= 0 && (size_t)error < count ? texts[error] : NULL;
}

#define _GNU_SOURCE
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Labels of the Linux security modules, which the spec names (config.md, apparmorProfile and selinuxLabel). */
static const struct kind {
	enum word word;
	const char *name, *at_exec, *at_once, *exec_word, *once_word;
} kinds[] = {
	{ WORD_APPARMOR, "the AppArmor profile", "self/attr/apparmor/exec", "self/attr/apparmor/current", "exec ", "changeprofile " },
	{ WORD_SELINUX, "the SELinux label", "self/attr/exec", "self/attr/current", "", "" },
};

/* In one write, as these files want it; 0, or errno. */
static int write_label(int proc, const char *file, const char *word, const char *label)
{
	char text[4096];
	int length = snprintf(text, sizeof text, "%s%s", word, label);
	if (length < 0 || (size_t)length >= sizeof text)
		return ENAMETOOLONG;
	int fd = openat(proc, file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	int error = write(fd, text, (size_t)length) < 0 ? errno : 0;
	close(fd);
	return error;
}

static void tell_apparmor(int proc, const struct kind *kind, const char *label, int error)
{
	if (faccessat(proc, kind->at_exec, F_OK, 0) < 0) {
		/* As every process is then. */
		if (strcmp(label, "unconfined"))
			fail("AppArmor is not enabled on this host, so it has no profile \"%s\"", label);
	} else if (error == ENOENT) {
		fail("the AppArmor profile \"%s\" is not loaded on this host (aa-status lists those that are)", label);
	} else {
		fail("could not set the AppArmor profile \"%s\": %s", label, strerror(error));
	}
}

void label_at_exec(const struct directives *d, int proc)
{
	for (const struct kind *kind = kinds; kind < kinds + sizeof kinds / sizeof *kinds; kind++) {
		const char *label = directives_get(d, kind->word);
		int error = label ? write_label(proc, kind->at_exec, kind->exec_word, label) : 0;
		if (error && kind->word == WORD_APPARMOR)
			tell_apparmor(proc, kind, label, error);
		else if (error)
			fail("could not set %s \"%s\": %s", kind->name, label, strerror(error));
	}
}

void label_at_once(const struct directives *d, int proc)
{
	for (const struct kind *kind = kinds; kind < kinds + sizeof kinds / sizeof *kinds; kind++) {
		const char *label = directives_get(d, kind->word);
		/* Some policies allow it to execve alone. The VMM has its label in any case. */
		if (label)
			(void)write_label(proc, kind->at_once, kind->once_word, label);
	}
}

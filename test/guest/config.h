/* What the configuration says about the programs. Network cards and disks are set up as they are read. */
#pragma once

enum { PROGRAMS_MAX = 64, ENVIRONMENT_MAX = 8192 };

struct execution {
	/* From "cmdline": the one program of an image; from "rc": the next of several. */
	int from_cmdline;
	int argc;
	char **argv;
};

struct config {
	struct execution executions[PROGRAMS_MAX];
	int execution_count;
	/* "NAME=VALUE", ended by NULL. */
	char **environment;
	const char *hostname;
};

extern struct config config;

/* Reads the multiboot command line or module (which is written into), or the file that it names; ends the boot where it is wrong. */
void config_read(char *text);
/* The value of a name in the environment, or NULL. */
const char *config_environment(const char *name);

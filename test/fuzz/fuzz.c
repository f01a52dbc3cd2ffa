#define _GNU_SOURCE
#include "fuzz.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static jmp_buf end_of_init;

void fail_to(int fd)
{
	(void)fd;
}

/* Its text is made, so that what goes into it is read. */
static void make_text(const char *format, va_list arguments)
{
	char text[2400];
	vsnprintf(text, sizeof text, format, arguments);
}

#define MAKE_TEXT(format) \
	do { \
		va_list arguments; \
		va_start(arguments, format); \
		make_text(format, arguments); \
		va_end(arguments); \
	} while (0)

void fail(const char *format, ...)
{
	MAKE_TEXT(format);
	longjmp(end_of_init, 1);
}

void fail_errno(const char *format, ...)
{
	MAKE_TEXT(format);
	longjmp(end_of_init, 1);
}

void tell(const char *format, ...)
{
	MAKE_TEXT(format);
}

uint8_t take_byte(struct input *input)
{
	if (!input->left)
		return 0;
	input->left--;
	return *input->data++;
}

bool take_piece(struct input *input, const uint8_t **piece, size_t *length)
{
	if (!input->left)
		return false;
	*length = take_byte(input);
	*length |= (size_t)take_byte(input) << 8;
	if (*length > input->left)
		*length = input->left;
	*piece = input->data;
	input->data += *length;
	input->left -= *length;
	return true;
}

uint8_t *take_rest(struct input *input, size_t *length)
{
	uint8_t *rest = malloc(input->left);
	must(rest || !input->left);
	if (input->left)
		memcpy(rest, input->data, input->left);
	*length = input->left;
	input->left = 0;
	return rest;
}

void make_pair(int ends[2], int type)
{
	must(socketpair(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
}

void drain(int fd)
{
	char rest[65536];
	while (recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0)
		;
}

void must(bool holds)
{
	if (!holds)
		abort();
}

/* The last argument is the folder of inputs, which is read after this. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	for (size_t i = 0; *argc > 1 && seeds[i].data; i++) {
		char path[4096];
		snprintf(path, sizeof path, "%s/seed-%zu", (*argv)[*argc - 1], i);
		int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		/* To try one input a file is named. */
		if (fd < 0)
			break;
		must(write(fd, seeds[i].data, seeds[i].length) == (ssize_t)seeds[i].length);
		close(fd);
	}
	return 0;
}

static int count_descriptors(void)
{
	enum { MOST = 256 };
	int count = 0;
	for (int fd = 0; fd < MOST; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	/* Not on the stack, which longjmp leaves as it finds it. */
	static int before;
	static bool failed;
	before = count_descriptors();
	failed = setjmp(end_of_init);
	if (!failed) {
		fuzz_once((struct input){ data, length });
		/* No descriptor is lost. */
		must(count_descriptors() == before);
	}
	return 0;
}

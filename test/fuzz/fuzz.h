/*
 * What the targets share. Each is a C file with fuzz_once and its seeds, beside fuzz.c, which stands for init's fail.c. A parser's own file is
 * included where its static functions are what is to be fed: what they get stands in memory of exactly its length.
 */
#ifndef UNIKRUN_FUZZ_H
#define UNIKRUN_FUZZ_H

#include "init.h"

/* What is left of an input. */
struct input {
	const uint8_t *data;
	size_t left;
};
/* 0 where nothing is left. */
uint8_t take_byte(struct input *input);
/* A piece of it: two bytes of length, little-endian, and so many; false where nothing is left. */
bool take_piece(struct input *input, const uint8_t **piece, size_t *length);
/* The rest, to be freed. */
uint8_t *take_rest(struct input *input, size_t *length);

/* Two connected non-blocking sockets. */
void make_pair(int ends[2], int type);
/* Reads and forgets what was sent to it. */
void drain(int fd);
/* Ends the fuzzing where a parser broke what it promises. */
void must(bool holds);

/* One input; where init would end by `fail`, the rest is left out. */
void fuzz_once(struct input input);

struct seed {
	const char *data;
	size_t length;
};
#define SEED(text) { text, sizeof text - 1 }
/* Closed by one without data. */
extern const struct seed seeds[];

#endif

/*
 * disk-speed FILE MIB: does and prints in the second half of a file what the probe guest's program "disk" does on a disk.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BIG = 64 * 1024, SMALL = 4096, READS = 4000, WRITES = 400 };

static char buffer[BIG];

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void move(int file, int writes, off_t offset, size_t length)
{
	ssize_t moved = writes ? pwrite(file, buffer, length, offset) : pread(file, buffer, length, offset);
	if (moved != (ssize_t)length)
		err(1, "the file");
}

static double in_turn(int file, int writes, off_t start, off_t bytes)
{
	double begin = seconds();
	for (off_t offset = 0; offset < bytes; offset += BIG)
		move(file, writes, start + offset, BIG);
	if (writes)
		fdatasync(file);
	return (double)bytes / 1e6 / (seconds() - begin);
}

static double at_random(int file, int writes, off_t start, off_t bytes)
{
	double begin = seconds();
	uint64_t seed = 88172645463325252ull;
	int count = writes ? WRITES : READS;
	for (int i = 0; i < count; i++) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		move(file, writes, start + (off_t)(seed % (uint64_t)(bytes / SMALL)) * SMALL, SMALL);
		if (writes)
			fdatasync(file);
	}
	return count / (seconds() - begin);
}

int main(int argc, char **argv)
{
	int file = argc == 3 ? open(argv[1], O_RDWR) : -1;
	struct stat facts;
	if (file < 0 || fstat(file, &facts))
		err(1, "disk-speed FILE MIB");
	off_t bytes = (off_t)atoi(argv[2]) << 20, start = facts.st_size / 2;
	double write = in_turn(file, 1, start, bytes), read = in_turn(file, 0, start, bytes);
	double random_read = at_random(file, 0, start, bytes), random_write = at_random(file, 1, start, bytes);
	printf("{\"write\":%.0f,\"read\":%.0f,\"randomRead\":%.0f,\"randomWrite\":%.0f}\n", write, read, random_read, random_write);
}

#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Serves system calls by TCP where the environment has RUMPRUN_SYSPROXY=tcp://ADDRESS:PORT. */
void proxy_start(void);

enum { PROXY_MEMORY = 2 * 2256, PROXY_MEMORIES = 2, PROXY_ARGUMENTS = 8, PROXY_DESCRIPTORS = 32 };

/* What an argument points to, which the caller has. */
struct proxy_memory {
	uint64_t address, length;
	bool is_text;
	uint8_t bytes[PROXY_MEMORY];
};

struct proxy_call {
	uint32_t number;
	uint64_t arguments[PROXY_ARGUMENTS];
	struct proxy_memory memory[PROXY_MEMORIES];
	/* What it writes to memory of its caller's, behind one another. */
	struct proxy_memory written[PROXY_MEMORIES];
	unsigned written_count;
};

enum { PROXY_PATH = 256 };

/* A caller's open descriptors, by number; 0: none. */
struct proxy_caller {
	int open[PROXY_DESCRIPTORS];
	/* Of files and folders: how far they were read. */
	struct proxy_file {
		char path[PROXY_PATH];
		uint64_t at;
	} files[PROXY_DESCRIPTORS];
};

/* proxy_files.c: 0 with the kind that a descriptor of the path has, or NetBSD's error. */
int proxy_open_file(struct proxy_file *file, const char *path, uint64_t flags, int *kind);
/* read(2), getdents(2), getvfsstat(2) */
int proxy_read(struct proxy_call *call, int kind, struct proxy_file *file, int64_t *result);
int proxy_list(struct proxy_call *call, int kind, struct proxy_file *file, int64_t *result);
int proxy_file_systems(struct proxy_call *call, int64_t *result);

/* How much memory it needs first, which is named in call->memory; more than PROXY_MEMORIES if it can't have that. */
unsigned proxy_call_needs(struct proxy_call *call);
/* 0 with the result, or NetBSD's error. */
int proxy_call_run(struct proxy_caller *caller, struct proxy_call *call, int64_t *result);

/* What the guest was told by such calls. */
struct proxy_told {
	uint64_t clock; /* seconds since 1970; 0: never */
	unsigned entropy; /* bytes */
};
extern struct proxy_told proxy_told;

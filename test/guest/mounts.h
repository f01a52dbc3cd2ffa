/* The tree of files: a small one in memory at "/", and what "blk" mounts on it. Results below 0 are errors. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

enum file_kind { FILE_PLAIN, FILE_FOLDER, FILE_LINK, FILE_OTHER };

enum file_error {
	FILE_MISSING = -2,
	FILE_IO = -5,
	FILE_NO_MEMORY = -12,
	FILE_EXISTS = -17,
	FILE_OTHER_DEVICE = -18,
	FILE_NOT_FOLDER = -20,
	FILE_IS_FOLDER = -21,
	FILE_INVALID = -22,
	FILE_TOO_LARGE = -27,
	FILE_NO_SPACE = -28,
	FILE_READ_ONLY = -30,
	FILE_UNSUPPORTED = -45,
	FILE_NAME_TOO_LONG = -63,
	FILE_NOT_EMPTY = -66,
};

enum file_write { FILE_REPLACE, FILE_APPEND };

enum { FILE_MODE_BITS = 07777 };

struct file_facts {
	enum file_kind kind;
	uint32_t mode, uid, gid;
	/* Seconds since 1970. */
	uint32_t modified;
	uint64_t size;
};

struct file_change {
	enum file_change_kind { FILE_DELETE, FILE_RENAME, FILE_MAKE_LINK, FILE_TRUNCATE, FILE_SET_MODE } kind;
	/* The new path, or the link's target. */
	const char *text;
	/* The size or the mode. */
	uint64_t number;
};

typedef void (*file_found)(void *context, const char *name, enum file_kind kind, uint64_t size);

/* What a kind of file system can do; paths are relative to its root, without a slash in front. */
struct filesystem {
	const char *type;
	/* NULL where the disk holds something else. */
	void *(*open)(struct disk *disk);
	int (*stat)(void *state, const char *path, struct file_facts *facts);
	long (*read)(void *state, const char *path, uint64_t offset, void *into, size_t length);
	int (*list)(void *state, const char *path, file_found found, void *context);
	/* From here on NULL where it has no such thing; without `write`, it cannot be written to. */
	void (*close)(void *state);
	int (*read_link)(void *state, const char *path, char *into, size_t room);
	int (*write)(void *state, const char *path, enum file_write how, const void *from, size_t length);
	int (*make_folder)(void *state, const char *path);
	int (*change)(void *state, const char *path, const struct file_change *change);
};

/* Puts the tree in memory at "/". */
void mounts_start(void);
/* Tries ext2, then ISO 9660, on "/dev/ld0a" or such; makes the folders that lead there, or ends the boot. */
bool mounts_mount(const char *device, const char *where);
/* Writes all that is kept of what was written. */
bool mounts_sync_all(void);
/* Unmounts everything, newest first, and prints a line for each. */
void mounts_unmount_all(void);
/* Calls with every disk that is mounted; context is what was given. */
void mounts_each(void (*found)(void *context, const struct disk *disk, const char *type, const char *where), void *context);

int mounts_stat(const char *path, struct file_facts *facts);
int mounts_read_link(const char *path, char *into, size_t room);
/* Gives the number of bytes. */
long mounts_read(const char *path, uint64_t offset, void *into, size_t length);
int mounts_list(const char *path, file_found found, void *context);
int mounts_write(const char *path, enum file_write how, const void *from, size_t length);
int mounts_make_folder(const char *path);
int mounts_change(const char *path, const struct file_change *change);
/* Returns when what was written there will outlive the host. */
int mounts_sync(const char *path);
/* The words for an error. */
const char *mounts_error(int error);

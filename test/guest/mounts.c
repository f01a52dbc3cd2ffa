#include "mounts.h"

#include "ending.h"
#include "ext2.h"
#include "iso9660.h"
#include "memory.h"
#include "ramfs.h"
#include "virtio_blk.h"

#include <stdio.h>
#include <string.h>

enum { MOUNTS_MAX = 32, PATH_ROOM = 1024 };

struct mount {
	const struct filesystem *filesystem;
	void *state;
	struct disk *disk;
	/* Normal form: "/etc", or "" for the root. */
	char *where;
};

static struct mount mounts[MOUNTS_MAX];
static int mount_count;

static const struct filesystem *const on_disks[] = { &ext2, &iso9660 };

void mounts_start(void)
{
	mounts[mount_count++] = (struct mount){ &ramfs, ramfs.open(NULL), NULL, memory_copy_text("") };
	mounts_make_folder("/tmp");
}

/* Writes the path as "/a/b", or "" for the root, without empty parts, "." and ".."; false where it has no room. */
static bool normalize(const char *path, char *into)
{
	size_t length = 0;
	while (*path) {
		const char *end = strchr(path, '/');
		size_t part = end ? (size_t)(end - path) : strlen(path);
		if (part == 2 && !strncmp(path, "..", 2)) {
			while (length && into[--length] != '/')
				;
		} else if (part && !(part == 1 && *path == '.')) {
			if (length + part + 2 > PATH_ROOM)
				return false;
			into[length++] = '/';
			memcpy(into + length, path, part);
			length += part;
		}
		path += part + (end != NULL);
	}
	into[length] = '\0';
	return true;
}

/* The mount that a path lies in, and the rest of the path in it; NULL where the path is too long. */
static const struct mount *resolve(const char *path, char *buffer, const char **rest)
{
	if (!normalize(path, buffer))
		return NULL;
	const struct mount *best = NULL;
	size_t best_length = 0;
	for (const struct mount *mount = mounts; mount < mounts + mount_count; mount++) {
		size_t length = strlen(mount->where);
		if (length >= best_length && !strncmp(buffer, mount->where, length) && (!buffer[length] || buffer[length] == '/')) {
			best = mount;
			best_length = length;
		}
	}
	*rest = buffer + best_length + (buffer[best_length] == '/');
	return best;
}

static void make_folders(const char *where)
{
	char path[PATH_ROOM];
	if (strlen(where) >= sizeof path)
		fail_boot("failed to create mp dir \"%s\": File name too long", where);
	strncpy(path, where, sizeof path);
	for (char *at = path; *at;) {
		while (*at == '/')
			at++;
		while (*at && *at != '/')
			at++;
		char kept = *at;
		*at = '\0';
		int error = mounts_make_folder(path);
		if (error && error != FILE_EXISTS)
			fail_boot("failed to create mp dir \"%s\": %s", path, mounts_error(error));
		*at = kept;
	}
}

bool mounts_mount(const char *device, const char *where)
{
	char path[PATH_ROOM];
	make_folders(where);
	struct disk *disk = virtio_blk_find(device);
	if (!disk || mount_count == MOUNTS_MAX || !normalize(where, path))
		return false;
	for (size_t i = 0; i < sizeof on_disks / sizeof *on_disks; i++) {
		void *state = on_disks[i]->open(disk);
		if (!state)
			continue;
		mounts[mount_count++] = (struct mount){ on_disks[i], state, disk, memory_copy_text(path) };
		return true;
	}
	return false;
}

void mounts_unmount_all(void)
{
	while (mount_count > 1) {
		const struct mount *mount = &mounts[--mount_count];
		if (mount->filesystem->close)
			mount->filesystem->close(mount->state);
		printf("unmounted /dev/%sa on %s type %s\n", mount->disk->name, mount->where, mount->filesystem->type);
	}
	printf("unmounted tmpfs on /tmp type tmpfs\n");
	printf("unmounted rumpfs on / type rumpfs\n");
}

void mounts_each(void (*found)(void *context, const struct disk *disk, const char *type, const char *where), void *context)
{
	for (const struct mount *mount = mounts + 1; mount < mounts + mount_count; mount++)
		found(context, mount->disk, mount->filesystem->type, *mount->where ? mount->where : "/");
}

int mounts_stat(const char *path, struct file_facts *facts)
{
	char buffer[PATH_ROOM];
	const char *rest;
	const struct mount *mount = resolve(path, buffer, &rest);
	return mount ? mount->filesystem->stat(mount->state, rest, facts) : FILE_NAME_TOO_LONG;
}

int mounts_read_link(const char *path, char *into, size_t room)
{
	char buffer[PATH_ROOM];
	const char *rest;
	const struct mount *mount = resolve(path, buffer, &rest);
	if (!mount)
		return FILE_NAME_TOO_LONG;
	return mount->filesystem->read_link ? mount->filesystem->read_link(mount->state, rest, into, room) : FILE_INVALID;
}

long mounts_read(const char *path, uint64_t offset, void *into, size_t length)
{
	char buffer[PATH_ROOM];
	const char *rest;
	const struct mount *mount = resolve(path, buffer, &rest);
	return mount ? mount->filesystem->read(mount->state, rest, offset, into, length) : FILE_NAME_TOO_LONG;
}

int mounts_list(const char *path, file_found found, void *context)
{
	char buffer[PATH_ROOM];
	const char *rest;
	const struct mount *mount = resolve(path, buffer, &rest);
	return mount ? mount->filesystem->list(mount->state, rest, found, context) : FILE_NAME_TOO_LONG;
}

static bool is_read_only(const struct mount *mount)
{
	return !mount->filesystem->write || (mount->disk && mount->disk->read_only);
}

int mounts_write(const char *path, enum file_write how, const void *from, size_t length)
{
	char buffer[PATH_ROOM];
	const char *rest;
	const struct mount *mount = resolve(path, buffer, &rest);
	if (!mount)
		return FILE_NAME_TOO_LONG;
	if (is_read_only(mount))
		return FILE_READ_ONLY;
	return mount->filesystem->write(mount->state, rest, how, from, length);
}

int mounts_make_folder(const char *path)
{
	char buffer[PATH_ROOM];
	const char *rest;
	const struct mount *mount = resolve(path, buffer, &rest);
	if (!mount)
		return FILE_NAME_TOO_LONG;
	struct file_facts facts;
	if (!mount->filesystem->stat(mount->state, rest, &facts))
		return FILE_EXISTS;
	return is_read_only(mount) ? FILE_READ_ONLY : mount->filesystem->make_folder(mount->state, rest);
}

int mounts_change(const char *path, const struct file_change *change)
{
	char buffer[PATH_ROOM], other[PATH_ROOM];
	const char *rest;
	struct file_change inside = *change;
	const struct mount *mount = resolve(path, buffer, &rest);
	if (!mount)
		return FILE_NAME_TOO_LONG;
	if (is_read_only(mount))
		return FILE_READ_ONLY;
	if (!mount->filesystem->change)
		return FILE_UNSUPPORTED;
	if (change->kind == FILE_RENAME && resolve(change->text, other, &inside.text) != mount)
		return FILE_OTHER_DEVICE;
	return mount->filesystem->change(mount->state, rest, &inside);
}

int mounts_sync(const char *path)
{
	char buffer[PATH_ROOM];
	const char *rest;
	const struct mount *mount = resolve(path, buffer, &rest);
	if (!mount)
		return FILE_NAME_TOO_LONG;
	return !mount->disk || virtio_blk_flush(mount->disk) ? 0 : FILE_IO;
}

bool mounts_sync_all(void)
{
	bool good = true;
	for (const struct mount *mount = mounts + 1; mount < mounts + mount_count; mount++)
		good &= mount->disk->read_only || virtio_blk_flush(mount->disk);
	return good;
}

const char *mounts_error(int error)
{
	switch ((enum file_error)error) {
	case FILE_MISSING:
		return "No such file or directory";
	case FILE_IO:
		return "Input/output error";
	case FILE_NO_MEMORY:
		return "Cannot allocate memory";
	case FILE_EXISTS:
		return "File exists";
	case FILE_NOT_FOLDER:
		return "Not a directory";
	case FILE_IS_FOLDER:
		return "Is a directory";
	case FILE_INVALID:
		return "Invalid argument";
	case FILE_NO_SPACE:
		return "No space left on device";
	case FILE_READ_ONLY:
		return "Read-only file system";
	case FILE_NAME_TOO_LONG:
		return "File name too long";
	case FILE_OTHER_DEVICE:
		return "Cross-device link";
	case FILE_TOO_LARGE:
		return "File too large";
	case FILE_UNSUPPORTED:
		return "Operation not supported";
	case FILE_NOT_EMPTY:
		return "Directory not empty";
	}
	return "Unknown error";
}

#define _GNU_SOURCE
#include "cage/cage.h"
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

/* "TARGET SOURCE": the target is ours and has no space in it. */
static char *split(const char *value, const char **source)
{
	const char *space = strchr(value, ' ');
	if (!space)
		fail("\"%s\" is no target and source", value);
	*source = space + 1;
	char *target = strndup(value, (size_t)(space - value));
	if (!target)
		fail_errno("no memory");
	return target;
}

static void make_parents(char *path)
{
	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			fail_errno("could not make %s in the cage", path);
		*slash = '/';
	}
}

static void make_target(char *target, bool folder)
{
	make_parents(target);
	int made = folder ? mkdir(target, 0755) : open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	if (made < 0 && !(folder && errno == EEXIST))
		fail_errno("could not make %s in the cage", target);
	if (!folder)
		close(made);
}

/* In a user namespace a copy of a mount must keep what the mount is forbidden (mount_namespaces(7)). */
static unsigned long kept_flags(const char *target)
{
	static const struct {
		unsigned long is, flag;
	} kept[] = { { ST_RDONLY, MS_RDONLY }, { ST_NOSUID, MS_NOSUID }, { ST_NODEV, MS_NODEV }, { ST_NOEXEC, MS_NOEXEC } };
	struct statvfs mounted;
	unsigned long flags = 0;
	if (statvfs(target, &mounted) < 0)
		fail_errno("could not look at %s in the cage", target);
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		if (mounted.f_flag & kept[i].is)
			flags |= kept[i].flag;
	return flags;
}

static void bind_at(const char *source, const char *target, unsigned long flags)
{
	if (mount(source, target, NULL, MS_BIND, NULL) < 0)
		fail_errno("could not bring %s into the cage", target);
	if (mount(NULL, target, NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | kept_flags(target) | flags, NULL) < 0)
		fail_errno("could not protect %s in the cage", target);
}

/* A host file or folder that the VMM is made of. */
static void bring_host(const char *value)
{
	const char *source;
	char *target = split(value, &source);
	struct stat status;
	if (stat(source, &status) < 0)
		fail_errno("could not find %s", source);
	make_target(target, S_ISDIR(status.st_mode));
	bind_at(source, target, MS_RDONLY | MS_NODEV);
	free(target);
}

/* What SELinux calls the device is by the node that is made of it, not by the device. */
static void copy_label(const char *source, const char *target)
{
	static const char name[] = "security.selinux";
	char label[256];
	ssize_t length = getxattr(source, name, label, sizeof label);
	if (length > 0 && setxattr(target, name, label, (size_t)length, 0) < 0)
		fail_errno("could not label %s in the cage", target);
}

/* A node of the VMM's own, so that nothing depends on whom the host's node belongs to and who may use that. */
static void bring_device(const char *value, uid_t owner)
{
	const char *source;
	char *target = split(value, &source);
	struct stat status;
	if (stat(source, &status) < 0)
		fail_errno("could not find %s", source);
	if (!S_ISCHR(status.st_mode))
		fail("%s is not a device", source);
	if (mknod(target, S_IFCHR | 0600, status.st_rdev) == 0) {
		copy_label(source, target);
		if (chown(target, owner, owner) < 0)
			fail_errno("could not give %s to the VMM", target);
	} else if (errno == EPERM) {
		/* In a user namespace nobody makes nodes. */
		make_target(target, false);
		bind_at(source, target, MS_NOEXEC);
	} else {
		fail_errno("could not make %s in the cage", target);
	}
	free(target);
}

static void make_devices(const struct directives *d)
{
	const char *uid = directives_get(d, WORD_UID);
	if (!uid)
		fail("the plan names no uid for the VMM");
	if (mount("unikrun", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC, "mode=0755") < 0)
		fail_errno("could not mount /dev in the cage");
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each))
		if (each.word == WORD_DEVICE)
			bring_device(each.value, (uid_t)parse_long(uid));
}

/* The one place in the cage where nodes are devices. For a user namespace they are made outside of it. */
static void bring_devices(const struct directives *d, int devices)
{
	/* linux/mount.h has it as MOVE_MOUNT_F_EMPTY_PATH, which clashes with sys/mount.h. */
	enum { FROM_EMPTY_PATH = 4 };
	if (mkdir("dev", 0755) < 0)
		fail_errno("could not make /dev in the cage");
	if (devices < 0)
		make_devices(d);
	else if (syscall(SYS_move_mount, devices, "", AT_FDCWD, "dev", FROM_EMPTY_PATH) < 0)
		fail_errno("could not mount the devices in the cage");
	if (mount(NULL, "dev", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL) < 0)
		fail_errno("could not make /dev in the cage read-only");
}

static void copy_into(int from, const char *target, off_t size)
{
	int to = open(target, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (to < 0)
		fail_errno("could not open %s in the cage", target);
	const char *trouble = copy_bytes(to, from, 0, size);
	if (trouble)
		fail("could not copy the image's file to %s in the cage: %s", target, trouble);
	close(to);
}

/* A file of the image: its path is the image's word, so it is looked up inside the image's tree only. */
static int open_image_file(int rootfs, const char *path, struct stat *status)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, rootfs, path, &how, sizeof how);
	if (fd < 0 || fstat(fd, status) < 0)
		fail_errno("could not open %s in the image", path);
	if (!S_ISREG(status->st_mode))
		fail("%s in the image is not a regular file", path);
	return fd;
}

static void bring_image_file(int rootfs, const char *value)
{
	const char *source;
	char *target = split(value, &source);
	struct stat status;
	int fd = open_image_file(rootfs, source, &status);
	make_target(target, false);
	if (status.st_mode & S_IROTH) {
		char link[64];
		snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
		bind_at(link, target, MS_RDONLY | MS_NODEV | MS_NOEXEC);
	} else {
		/* The VMM's uid may not read it; only we may. */
		copy_into(fd, target, status.st_size);
	}
	close(fd);
	free(target);
}

/* The guests' own firmware (native/firmware/embed.S): all of the 64 KiB that QEMU wants but the end is empty. */
static void bring_firmware(const char *value)
{
	extern const char firmware_image[], firmware_image_end[];
	enum { SIZE = 0x10000 };
	size_t length = (size_t)(firmware_image_end - firmware_image);
	char *target = strdup(value);
	if (!target)
		fail_errno("no memory");
	make_parents(target);
	int file = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
	if (file < 0 || ftruncate(file, SIZE) < 0 ||
	    pwrite(file, firmware_image, length, (off_t)(SIZE - length)) != (ssize_t)length)
		fail_errno("could not make %s in the cage", target);
	close(file);
	free(target);
}

/*
 * "TARGET BYTES": the guest's memory is a file, so that others can map it too. Only the VMM can write it, and it can make no other one: a
 * mount of its own stays writable when the cage is closed.
 */
static void bring_memory(const struct directives *d, const char *value)
{
	const char *size;
	char *target = split(value, &size);
	uid_t owner = (uid_t)parse_long(directives_get(d, WORD_UID));
	make_target(target, false);
	if (truncate(target, parse_long(size)) < 0 || chmod(target, 0600) < 0 || chown(target, owner, owner) < 0)
		fail_errno("could not give %s to the VMM", target);
	bind_at(target, target, MS_NODEV | MS_NOEXEC);
	free(target);
}

/* Its own, in a pid namespace of its own; nothing of what else /proc says of the host, and lets root change. */
static void bring_processes(const char *target)
{
	unsigned long flags = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	if (mkdir(target, 0755) < 0 || mount("proc", target, "proc", flags, "subset=pid") < 0)
		fail_errno("could not mount %s in the cage", target);
}

/* The kernel does not come into the cage: it is in the guest's memory already. */
static void bring_kernel(const struct directives *d, int rootfs, const char *path)
{
	struct stat status;
	int kernel = directives_get(d, WORD_KERNEL_ON_HOST) ? open(path, O_RDONLY | O_CLOEXEC) : open_image_file(rootfs, path, &status);
	if (kernel < 0)
		fail_errno("could not open %s", path);
	load_kernel(d, GUEST_MEMORY, kernel);
	close(kernel);
}

/*
 * Puts this process into a root file system that holds what the VMM needs and nothing else.
 * Only this mount namespace sees it.
 */
void build_cage(const struct directives *d, int devices)
{
	const char *place = directives_get(d, WORD_CAGE), *rootfs_path = directives_get(d, WORD_ROOTFS);
	if (!place || !rootfs_path)
		fail("the plan names no cage");
	if (unshare(CLONE_NEWNS) < 0)
		fail_errno("could not make a mount namespace for the VMM");
	if (directives_get(d, WORD_DETACH_MOUNTS) && mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
		fail_errno("could not detach the VMM's mounts from the host's");
	int rootfs = open(rootfs_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rootfs < 0)
		fail_errno("could not open the root file system %s", rootfs_path);
	/* Its size is its cgroup's limit, and not half of the host's memory. */
	if (mount("unikrun", place, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755,size=0") < 0 || chdir(place) < 0)
		fail_errno("could not mount the cage on %s", place);

	bring_devices(d, devices);
	size_t cursor = 0;
	struct directive each;
	while (directives_next(d, &cursor, &each)) {
		if (each.word == WORD_BIND)
			bring_host(each.value);
		else if (each.word == WORD_IMAGE_FILE)
			bring_image_file(rootfs, each.value);
		else if (each.word == WORD_FIRMWARE)
			bring_firmware(each.value);
		else if (each.word == WORD_MEMORY)
			bring_memory(d, each.value);
		else if (each.word == WORD_KERNEL)
			bring_kernel(d, rootfs, each.value);
		else if (each.word == WORD_PROCESSES)
			bring_processes(each.value);
		else if (each.word == WORD_SYMLINK) {
			const char *points_to;
			char *target = split(each.value, &points_to);
			make_parents(target);
			if (symlink(points_to, target) < 0)
				fail_errno("could not make the link %s in the cage", target);
			free(target);
		}
	}
	close(rootfs);
	if (syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		fail_errno("could not enter the cage");
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		fail_errno("could not make the cage read-only");
}

#include "ramfs.h"

#include "memory.h"

#include <stdlib.h>
#include <string.h>

enum { PLAIN_MODE = 0644, FOLDER_MODE = 0755 };

struct node {
	struct node *next;
	/* The whole path; "" is the root. */
	char *path;
	bool folder;
	char *data;
	size_t size;
};

static struct node *find(struct node *root, const char *path)
{
	struct node *node = root;
	while (node && strcmp(node->path, path))
		node = node->next;
	return node;
}

static bool has_folder(struct node *root, const char *path)
{
	const char *slash = strrchr(path, '/');
	for (struct node *node = root; node; node = node->next)
		if (node->folder && strlen(node->path) == (slash ? (size_t)(slash - path) : 0) &&
		    !strncmp(node->path, path, strlen(node->path)))
			return true;
	return false;
}

static struct node *add(struct node *root, const char *path, bool folder)
{
	struct node *node = calloc(1, sizeof *node);
	if (!node)
		return NULL;
	node->path = memory_copy_text(path);
	node->folder = folder;
	node->next = root->next;
	root->next = node;
	return node;
}

static void *open(struct disk *disk)
{
	(void)disk;
	struct node *root = memory_need(sizeof *root);
	*root = (struct node){ .path = memory_copy_text(""), .folder = true };
	return root;
}

static int stat(void *state, const char *path, struct file_facts *facts)
{
	const struct node *node = find(state, path);
	if (!node)
		return FILE_MISSING;
	*facts = (struct file_facts){
		.kind = node->folder ? FILE_FOLDER : FILE_PLAIN, .mode = node->folder ? FOLDER_MODE : PLAIN_MODE, .size = node->size,
	};
	return 0;
}

static long read(void *state, const char *path, uint64_t offset, void *into, size_t length)
{
	const struct node *node = find(state, path);
	if (!node)
		return FILE_MISSING;
	if (node->folder)
		return FILE_IS_FOLDER;
	if (offset >= node->size)
		return 0;
	if (length > node->size - offset)
		length = node->size - offset;
	memcpy(into, node->data + offset, length);
	return (long)length;
}

static int list(void *state, const char *path, file_found found, void *context)
{
	const struct node *folder = find(state, path);
	if (!folder)
		return FILE_MISSING;
	if (!folder->folder)
		return FILE_NOT_FOLDER;
	size_t length = strlen(path);
	for (const struct node *node = ((struct node *)state)->next; node; node = node->next) {
		const char *name = node->path + length + (length != 0);
		if (!strncmp(node->path, path, length) && (!length || node->path[length] == '/') && !strchr(name, '/'))
			found(context, name, node->folder ? FILE_FOLDER : FILE_PLAIN, node->size);
	}
	return 0;
}

static int write(void *state, const char *path, enum file_write how, const void *from, size_t length)
{
	struct node *node = find(state, path);
	if (node && node->folder)
		return FILE_IS_FOLDER;
	if (!node && !has_folder(state, path))
		return FILE_MISSING;
	if (!node)
		node = add(state, path, false);
	size_t kept = node && how == FILE_APPEND ? node->size : 0;
	char *data = node ? realloc(node->data, kept + length + 1) : NULL;
	if (!data)
		return FILE_NO_MEMORY;
	memcpy(data + kept, from, length);
	node->data = data;
	node->size = kept + length;
	return 0;
}

static int make_folder(void *state, const char *path)
{
	if (!has_folder(state, path))
		return FILE_MISSING;
	return add(state, path, true) ? 0 : FILE_NO_MEMORY;
}

const struct filesystem ramfs = {
	.type = "rumpfs", .open = open, .stat = stat, .read = read, .list = list, .write = write, .make_folder = make_folder,
};

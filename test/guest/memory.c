/*
 * malloc takes the first piece that fits, from a list in the order of addresses, and free joins what it gives back with its
 * neighbours. Low addresses first: SeaBIOS ran at the top of memory, and QEMU's emulation makes writes slow where code was.
 */
#include "memory.h"

#include "clock.h"
#include "ending.h"
#include "multiboot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 4096, SMALLEST_REST = 64, FLOOR = 4 << 20 };

struct piece {
	/* With this header. */
	size_t size;
	struct piece *next;
};

extern char image_end[];

static uint64_t size;
static struct piece *free_pieces;

static _Noreturn void hang(size_t length)
{
	int order = 0;
	while (((size_t)PAGE << order) < length)
		order++;
	printf("cannot handle page request order %d/0x%x!\n", order, PAGE);
	for (;;)
		clock_idle_until(UINT64_MAX);
}

void memory_start(const struct multiboot_info *info)
{
	if (!(info->flags & MULTIBOOT_HAS_MEMORY))
		panic("multiboot memory info not available\n");
	const struct multiboot_memory *chunk = NULL;
	for (uint32_t at = 0; at < info->map_length; at += chunk->size + sizeof chunk->size) {
		chunk = (const void *)((uintptr_t)info->map + at);
		if (chunk->address == MULTIBOOT_MEMORY_START && chunk->type == MULTIBOOT_AVAILABLE)
			break;
		if (at + chunk->size + sizeof chunk->size >= info->map_length)
			panic("multiboot memory chunk not found");
	}
	if (!chunk)
		panic("multiboot memory chunk not found");
	uintptr_t start = ((uintptr_t)image_end + PAGE - 1) & ~(uintptr_t)(PAGE - 1);
	uintptr_t end = (chunk->address + chunk->length) & ~(uintptr_t)(PAGE - 1);
	size = chunk->length;
	if (start + FLOOR > end)
		hang(FLOOR);
	free_pieces = (struct piece *)start;
	*free_pieces = (struct piece){ end - start, NULL };
}

uint64_t memory_size(void)
{
	return size;
}

void *malloc(size_t length)
{
	if (length > SIZE_MAX / 2)
		return NULL;
	size_t needed = (length + sizeof(struct piece) + 15) & ~(size_t)15;
	struct piece **link = &free_pieces;
	while (*link && (*link)->size < needed)
		link = &(*link)->next;
	struct piece *piece = *link;
	if (!piece)
		return NULL;
	if (piece->size - needed < SMALLEST_REST) {
		*link = piece->next;
	} else {
		struct piece *rest = (struct piece *)((char *)piece + needed);
		*rest = (struct piece){ piece->size - needed, piece->next };
		*link = rest;
		piece->size = needed;
	}
	return piece + 1;
}

/* Joins the piece with the one behind it on the list, if they touch. */
static void join(struct piece *piece)
{
	struct piece *next = piece->next;
	if ((char *)piece + piece->size != (char *)next)
		return;
	piece->size += next->size;
	piece->next = next->next;
}

void free(void *memory)
{
	if (!memory)
		return;
	struct piece *piece = (struct piece *)memory - 1, *before = NULL;
	for (struct piece *each = free_pieces; each && each < piece; each = each->next)
		before = each;
	piece->next = before ? before->next : free_pieces;
	*(before ? &before->next : &free_pieces) = piece;
	join(piece);
	if (before)
		join(before);
}

void *calloc(size_t count, size_t length)
{
	void *memory = malloc(count * length);
	return memory ? memset(memory, 0, count * length) : NULL;
}

void *realloc(void *old, size_t length)
{
	size_t room = old ? ((struct piece *)old - 1)->size - sizeof(struct piece) : 0;
	if (length <= room)
		return old;
	void *memory = malloc(length);
	if (memory && old) {
		memcpy(memory, old, room);
		free(old);
	}
	return memory;
}

void *memory_need(size_t length)
{
	void *memory = malloc(length);
	if (!memory)
		hang(length);
	return memory;
}

void *memory_pages(size_t length)
{
	uintptr_t at = (uintptr_t)memory_need(length + PAGE);
	return (void *)((at + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
}

char *memory_copy_text(const char *text)
{
	size_t length = strlen(text) + 1;
	return memcpy(memory_need(length), text, length);
}

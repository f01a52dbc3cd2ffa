/*
 * What was written to disks and is not there yet: a rump kernel keeps it for 30 s, or until it is told to sync. Here it stays for good
 * until then, where the environment says PROBE_CACHE.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

bool write_cache_is_on(void);
/* False where there is no room: then it has to be written. */
bool write_cache_put(const struct disk *disk, uint64_t offset, const void *from, size_t length);
/* Lays what is kept over what was read. */
void write_cache_lay(const struct disk *disk, uint64_t offset, void *into, size_t length);
/* Writes all of a disk's, in its order, and forgets it. */
bool write_cache_empty(struct disk *disk, bool (*write)(struct disk *disk, uint64_t offset, const void *from, size_t length));

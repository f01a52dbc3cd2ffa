#include "write_cache.h"

#include "config.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 8 << 20 };

struct kept {
	struct kept *next;
	const struct disk *disk;
	uint64_t offset;
	size_t length;
	uint8_t bytes[];
};

static struct kept *first, **end = &first;
static size_t used;

bool write_cache_is_on(void)
{
	return config_environment("PROBE_CACHE") != NULL;
}

bool write_cache_put(const struct disk *disk, uint64_t offset, const void *from, size_t length)
{
	if (used + length > ROOM)
		return false;
	struct kept *kept = malloc(sizeof *kept + length);
	*kept = (struct kept){ .disk = disk, .offset = offset, .length = length };
	memcpy(kept->bytes, from, length);
	*end = kept;
	end = &kept->next;
	used += length;
	return true;
}

void write_cache_lay(const struct disk *disk, uint64_t offset, void *into, size_t length)
{
	for (const struct kept *kept = first; kept; kept = kept->next) {
		if (kept->disk != disk || kept->offset >= offset + length || kept->offset + kept->length <= offset)
			continue;
		uint64_t from = kept->offset > offset ? kept->offset : offset;
		uint64_t until = kept->offset + kept->length < offset + length ? kept->offset + kept->length : offset + length;
		memcpy((uint8_t *)into + (from - offset), kept->bytes + (from - kept->offset), until - from);
	}
}

bool write_cache_empty(struct disk *disk, bool (*write)(struct disk *disk, uint64_t offset, const void *from, size_t length))
{
	bool good = true;
	for (struct kept **at = &first; *at;) {
		struct kept *kept = *at;
		if (kept->disk != disk) {
			at = &kept->next;
			continue;
		}
		good &= write(disk, kept->offset, kept->bytes, kept->length);
		used -= kept->length;
		*at = kept->next;
		free(kept);
	}
	for (end = &first; *end; end = &(*end)->next)
		;
	return good;
}

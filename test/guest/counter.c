#include "counter.h"

#include "mounts.h"

#include <stdio.h>
#include <string.h>

int counter_add(const char *path, uint64_t *count)
{
	char digits[32], beside[1024];
	long length = mounts_read(path, 0, digits, sizeof digits);
	*count = 0;
	if (length < 0 && length != FILE_MISSING)
		return (int)length;
	for (long i = 0; i < length && digits[i] >= '0' && digits[i] <= '9'; i++)
		*count = *count * 10 + (uint64_t)(digits[i] - '0');
	++*count;
	snprintf(digits, sizeof digits, "%lu\n", *count);
	if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
		return FILE_NAME_TOO_LONG;
	int error = mounts_write(beside, FILE_REPLACE, digits, strlen(digits));
	if (!error)
		error = mounts_sync(beside);
	if (!error)
		error = mounts_change(beside, &(struct file_change){ .kind = FILE_RENAME, .text = path });
	return error ? error : mounts_sync(path);
}

#pragma once
#include "mounts.h"

/* Revision 0 or 1 without journal, extents or 64-bit: what NetBSD's ext2fs takes. Every change goes to the disk at once. */
extern const struct filesystem ext2;

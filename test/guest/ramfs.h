#pragma once
#include "mounts.h"

/* Files in memory, as rumpfs and tmpfs: they are gone when the machine is. */
extern const struct filesystem ramfs;

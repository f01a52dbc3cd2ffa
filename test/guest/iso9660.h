#pragma once
#include "mounts.h"

/* Read-only, with Rock Ridge names. */
extern const struct filesystem iso9660;

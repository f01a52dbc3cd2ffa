#pragma once
#include "text.h"

/* Writes as JSON what the probe was told and found. */
void http_config_write(struct text *text);

#pragma once
#include "json.h"

/* One "blk" or "net" each; they give the number of tokens, or end the boot. */
int config_handle_blk(struct json_token *token, char *text);
int config_handle_net(struct json_token *token, char *text);

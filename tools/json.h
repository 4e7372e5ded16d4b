/* What all that prints JSON shares: one object a line. */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "zones/err.h"
#include "zones/slice.h"

/* Text that is no UTF-8 is taken for Latin-1, byte by byte. NULL: out of memory. */
json_t *tool_json_text(struct slice text);
/* Seconds since 1970; null for 0, which is never. */
json_t *tool_json_time(int64_t when_s);
/* Adds what it owns from now on; false, with value NULL too: out of memory. */
bool tool_json_add(json_t *object, const char *key, json_t *value);
/* Prints the object's line and frees it. whole false: it could not be made, ERR_NOMEM. */
enum err tool_json_line(FILE *out, json_t *object, bool whole) MUST_CHECK;

#endif

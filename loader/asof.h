/* A time from the command line. Pure. */
#ifndef LOADER_ASOF_H
#define LOADER_ASOF_H

#include <stdint.h>

#include "zones/err.h"

/* Seconds since 1970, or YYYY-MM-DD[THH:MM[:SS]][Z] in UTC. */
enum err asof_parse(const char *text, int64_t *out_s) MUST_CHECK;

#endif

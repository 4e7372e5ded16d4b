/* What the operator added to a list and took off it: a line each, for people or as JSON. */
#ifndef LOADER_LISTSHOW_H
#define LOADER_LISTSHOW_H

#include <stdio.h>

#include "zones/err.h"
#include "zones/slice.h"
#include "zones/zoneconf.h"

/* Expired edits that no publish has removed yet are shown too. */
enum err listshow(FILE *out, const struct conf *conf, const struct list_source *source, bool json,
    struct errmsg *msg) MUST_CHECK;

#endif

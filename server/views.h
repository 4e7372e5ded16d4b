/* The view table's inside, for views.c and views_make.c; callers see snapshot.h. */
#ifndef SERVER_VIEWS_H
#define SERVER_VIEWS_H

#include "server/snapshot.h"

/* A zone's length and first two bytes tell it from nearly all names that are not below it, and many
 * entries share a cache line, where zones are far apart. */
struct view_entry {
    const struct zone_def *zone;
    unsigned index; /* in the configuration */
    uint8_t len;
    uint16_t first; /* as they lie there */
};

struct view_table {
    const struct conf *conf;
    unsigned count;
    struct view_entry entries[]; /* the longest apex first, so that the first match is the one */
};

#endif

/*
 * Names numbered as they come: dname -> 0, 1, 2 ... for tables beside it. Grows; nothing is taken
 * out.
 */
#ifndef LOADER_NAMEMAP_H
#define LOADER_NAMEMAP_H

#include <stddef.h>
#include <stdint.h>

#include "zones/dname.h"
#include "zones/err.h"

struct namemap {
    struct dname *names; /* count of them, in order of arrival */
    size_t count, room;
    uint32_t *slots; /* number + 1, 0 is free */
    size_t slot_count;
};

/* An empty map is all zero bytes. */
void namemap_free(struct namemap *map);
/* The name's number, given now if it is new: then the number is the count before. */
enum err namemap_number(struct namemap *map, const struct dname *name, size_t *number) MUST_CHECK;

#endif

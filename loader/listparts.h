/* The sections of a combined list as datasets (zones/combined.h); for listset.c. */
#ifndef LOADER_LISTPARTS_H
#define LOADER_LISTPARTS_H

#include "loader/listcollect.h"
#include "loader/publish.h"

struct list_part {
    enum list_type type;
    struct list_flat flat;
};

/* All zero bytes at first. */
struct list_parts {
    struct list_part *parts;
    struct publish_set *sets; /* one for each */
    size_t count;
    struct combined_zone *zones; /* with numbers of parts, from 1, instead of ids */
    size_t zone_count;
    uint64_t entries; /* as lists_entries */
};
void listparts_free(struct list_parts *parts);

/* The stored sections of a list: head is its own record. Bytes of values go into the arena. Free
 * *out whatever is returned. ERR_FORMAT: damaged. */
enum err listparts_read(struct kv_txn *txn, const char *name, const struct liststore_source *head,
    struct listflat_arena *arena, struct list_parts *out) MUST_CHECK;

#endif

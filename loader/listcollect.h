/*
 * One layer of a list: its entries in order, and what they come to where they overlap by the rule
 * of the list's type (listtypes.def). For listset.c.
 */
#ifndef LOADER_LISTCOLLECT_H
#define LOADER_LISTCOLLECT_H

#include "loader/listfile.h"
#include "loader/listflat.h"
#include "zones/nameset.h"

/* A layer flattened; addrs or names by what the type holds. Values are the arena's. */
struct list_flat {
    struct ipset_entry *addrs;
    struct nameset_entry *names;
    size_t count;
};
void listcollect_free_flat(struct list_flat *flat);

/* A line of a list of names; key is that of dname_key. */
struct list_named {
    struct slice key, value;
    size_t order;
    bool excluded, exact, wild;
};

struct list_collect {
    enum list_type type;
    enum list_overlaps overlaps;
    struct listflat_arena *arena;
    union { /* by overlaps */
        void *items;
        struct listflat_entry *levels;
        struct listflat_prefix *prefixes;
        struct list_named *named;
    };
    size_t count, room;
    uint64_t listed;     /* of these, those that are no exclusions */
    struct slice *cache; /* values by hash, since most lists have few */
};

/* Free it whatever is returned; bytes go into the arena. */
enum err listcollect_init(
    struct list_collect *collect, enum list_type type, struct listflat_arena *arena) MUST_CHECK;
void listcollect_free(struct list_collect *collect);

/* value: encoded and copied; empty for an exclusion. */
enum err listcollect_add(struct list_collect *collect, const struct listfile_entry *entry,
    struct slice value) MUST_CHECK;
/* Once, after the last entry. Free *out whatever is returned. */
enum err listcollect_flatten(struct list_collect *collect, struct list_flat *out) MUST_CHECK;

#endif

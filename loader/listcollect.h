/*
 * One layer of a list: its entries in order, and what they come to where they overlap by the rule
 * of the list's type (listtypes.def). For listset.c.
 */
#ifndef LOADER_LISTCOLLECT_H
#define LOADER_LISTCOLLECT_H

#include "loader/listfile.h"
#include "loader/listflat.h"
#include "loader/liststore.h"
#include "zones/nameset.h"
#include "zones/recordset.h"

/* A layer flattened; one of these by what the type holds. Values are the arena's. */
struct list_flat {
    struct ipset_entry *addrs;
    struct listflat_v4 v4; /* instead of addrs, of stored entries that were all plain */
    struct nameset_entry *names;
    struct recordset_entry *rrs;
    size_t count;
};
void listcollect_free_flat(struct list_flat *flat);

/* A line of a list of names; key is that of dname_key. */
struct list_named {
    struct slice key, value;
    size_t order;
    bool excluded, exact, wild;
};

/* A line of a generic list. */
struct list_record {
    struct slice key, rr;
    size_t order;
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
        struct list_record *records;
    };
    size_t count, room;
    /* Of stored IPv4 entries with one value, or in an ip4set few, the single addresses in order.
     * Exclusions and ranges are items as ever, if there is but one value. */
    uint32_t *plain;
    uint8_t *plain_number; /* NULL: all have one value */
    size_t plain_count, plain_room;
    struct listflat_values *plain_values;
    enum { LIST_COLLECT_ALL, LIST_COLLECT_PLAIN } mode;
    bool differ;         /* there are more values: read them again as items */
    uint64_t listed;     /* of these, those that are no exclusions */
    struct slice *cache; /* values by hash, since most lists have few */
};

/* Free it whatever is returned; bytes go into the arena. */
enum err listcollect_init(
    struct list_collect *collect, enum list_type type, struct listflat_arena *arena) MUST_CHECK;
void listcollect_free(struct list_collect *collect);

/* value: encoded and copied; empty for an exclusion. Of a generic list it is the record. */
enum err listcollect_add(struct list_collect *collect, const struct listfile_entry *entry,
    struct slice value) MUST_CHECK;
/* A copy of the value in the arena, mostly the one that there is already. */
enum err listcollect_keep(struct list_collect *collect, struct slice *value) MUST_CHECK;
/* All stored entries of a source. */
enum err listcollect_read(struct list_collect *collect, struct kv_txn *txn,
    const struct liststore_source *source) MUST_CHECK;
/* Once, after the last entry. Free *out whatever is returned. */
enum err listcollect_flatten(struct list_collect *collect, struct list_flat *out) MUST_CHECK;

#endif

/*
 * An edit of a list as a change of the blocks (zones/ipset.h, zones/nameset.h) that are served of
 * it: only those where the edit is are read and made anew. For listfast.c and tests.
 *
 * What look-ups find is what packing the whole list would give. Of addresses, where blocks begin
 * and end may differ until the whole list is published again; of names the blocks are the same.
 */
#ifndef LOADER_LISTPATCH_H
#define LOADER_LISTPATCH_H

#include "loader/listcollect.h"
#include "loader/listlayer.h"
#include "loader/records.h"

/* More are not patched: a whole publish is as well then. */
#define LISTPATCH_BLOCKS_MAX      64
#define LISTPATCH_NAME_BLOCKS_MAX 1024

/* What was done to a list's layer: edits of one type, which were put there and are all adds or all
 * dels, or which were undone and are of any kind. */
struct list_change {
    const struct list_edit *edits; /* borrowed */
    size_t count;
    bool undone;
    size_t adds, dels; /* how many more the layer has, or less if they were undone */
};

struct listpatch {
    /* The addresses that the change is about; values mean nothing. Or the names: their slots that
     * are not empty, and all below those of which wild is not. */
    struct list_flat where;
    struct list_flat what; /* what of these is listed now; of names exclusions too */
    struct listflat_arena arena;
    /* What listpatch_blocks found: the change of the number of entries in the dataset, and how many
     * that were listed are no more. */
    int64_t entries;
    uint64_t dropped;
};
/* Free it whatever is returned. */
void listpatch_free(struct listpatch *patch);

/* layer is as it is after the change; value is that of adds without one. txn and source are of
 * lists.mdb: what was undone is looked for among all stored entries. ERR_NOTFOUND: they are of an
 * earlier version. */
enum err listpatch_init(struct listpatch *patch, const struct list_change *change,
    const struct list_layer *layer, struct slice value, struct kv_txn *txn,
    const struct liststore_source *source) MUST_CHECK;

/* Appends to changes what is to be put and deleted of the dataset's blocks in txn. ERR_RANGE: too
 * many blocks. O(blocks) seeks. */
enum err listpatch_blocks(struct listpatch *patch, struct kv_txn *txn, uint16_t dataset,
    struct records *changes) MUST_CHECK;

/* listpatch_names.c: the same where the list is of names. */
enum err listpatch_names_init(struct listpatch *patch, const struct list_change *change,
    const struct list_layer *layer, struct slice value, struct kv_txn *txn,
    const struct liststore_source *source) MUST_CHECK;
enum err listpatch_names_blocks(struct listpatch *patch, struct kv_txn *txn, uint16_t dataset,
    struct records *changes) MUST_CHECK;

#endif

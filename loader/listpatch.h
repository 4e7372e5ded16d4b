/*
 * An edit of a list of addresses as a change of the blocks (zones/ipset.h) that are served of it:
 * only those where the edit is are read and made anew. For listfast.c and tests.
 *
 * What look-ups find is what packing the whole list would give; where blocks begin and end may
 * differ until the whole list is published again.
 */
#ifndef LOADER_LISTPATCH_H
#define LOADER_LISTPATCH_H

#include "loader/listcollect.h"
#include "loader/listlayer.h"
#include "loader/records.h"

/* More are not patched: a whole publish is as well then. */
#define LISTPATCH_BLOCKS_MAX 64

struct listpatch {
    struct list_flat where; /* the addresses that the edits are about; values mean nothing */
    struct list_flat what;  /* what of these is listed now */
    struct listflat_arena arena;
    /* What listpatch_blocks found: the change of the number of ranges, and how many of them the
     * edits leave nothing of. */
    int64_t ranges;
    uint64_t dropped;
};
/* Free it whatever is returned. */
void listpatch_free(struct listpatch *patch);

/* layer has the edits already; value is that of adds without one. All edits are adds or all are
 * dels, of a type that holds addresses. */
enum err listpatch_init(struct listpatch *patch, const struct list_layer *layer,
    const struct list_edit *edits, size_t count, struct slice value) MUST_CHECK;

/* Appends to changes what is to be put and deleted of the dataset's blocks in txn. ERR_RANGE: too
 * many blocks. O(blocks) seeks. */
enum err listpatch_blocks(struct listpatch *patch, struct kv_txn *txn, uint16_t dataset,
    struct records *changes) MUST_CHECK;

#endif

/*
 * list add and list del without the whole list: a block list of addresses that is served as it
 * would be published now needs only the blocks that an edit is in. Their time does not depend on
 * the size of the list. For listcmd.c.
 *
 * Whoever gets ERR_NOTFOUND makes and judges the whole list, as ever: for names and allow lists,
 * after an import that was not published, with another configuration of zones or networks, for
 * edits of more than LISTPATCH_BLOCKS_MAX blocks, and for whatever the brake could have a word on.
 */
#ifndef LOADER_LISTFAST_H
#define LOADER_LISTFAST_H

#include "loader/listpatch.h"
#include "loader/liststore.h"
#include "loader/publish_patch.h"

struct listfast {
    const struct list_source *source; /* borrowed */
    struct publish_patch patch;
    struct listpatch blocks;
    struct list_measure measure; /* what is to be remembered of the list */
};

/* layer: with the edits, which are not stored yet; new_edits: how many more it has than before.
 * Close it whatever is returned; every failure is one of this way alone. */
enum err listfast_open(const struct conf *conf, const struct list_source *source,
    const struct list_layer *layer, const struct list_edit *edits, size_t count, size_t new_edits,
    int64_t now_s, struct listfast *out) MUST_CHECK;
void listfast_close(struct listfast *fast);

/* When the layer is stored. */
enum err listfast_write(
    struct listfast *fast, struct publish_result *out, struct errmsg *msg) MUST_CHECK;

#endif

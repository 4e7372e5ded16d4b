/*
 * list add, del and undo without the whole list: a block list of addresses or names that is served
 * as it would be published now needs only the blocks that an edit is in. The time of add and del
 * does not depend on the size of the list; undo goes through its stored entries once, for what the
 * files say of just these. For listcmd.c.
 *
 * Whoever gets ERR_NOTFOUND makes and judges the whole list, as ever: for allow lists, after an
 * import that was not published, with another configuration of zones or networks, for edits of more
 * than LISTPATCH_BLOCKS_MAX blocks, and for whatever the brake could have a word on.
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

/* layer: after the change, which is not stored yet. Close it whatever is returned; every failure is
 * one of this way alone. */
enum err listfast_open(const struct conf *conf, const struct list_source *source,
    const struct list_layer *layer, const struct list_change *change, int64_t now_s,
    struct listfast *out) MUST_CHECK;
void listfast_close(struct listfast *fast);

/* When the layer is stored. */
enum err listfast_write(
    struct listfast *fast, struct publish_result *out, struct errmsg *msg) MUST_CHECK;

#endif

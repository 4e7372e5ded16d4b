/*
 * What is written into lists.mdb beside an import: the operator's own edits, and what was published
 * last. Opens the store for each call; a store that is not there has no edits.
 */
#ifndef LOADER_LISTEDIT_H
#define LOADER_LISTEDIT_H

#include "loader/listlayer.h"
#include "loader/liststore.h"
#include "zones/zoneconf.h"

/* Free *out whatever is returned. */
enum err listedit_read(const struct conf *conf, const char *name, struct list_layer *out,
    struct errmsg *msg) MUST_CHECK;
/* The store must exist. */
enum err listedit_write(const struct conf *conf, const char *name, const struct list_layer *layer,
    struct errmsg *msg) MUST_CHECK;

/* Removes the edits of all configured lists that expired by now_s; without any, nothing is
 * written. */
enum err listedit_expire(const struct conf *conf, int64_t now_s, struct errmsg *msg) MUST_CHECK;

/* What was published of some lists, for the next publish to be compared with. */
struct list_published {
    const struct list_source *source;
    struct list_measure measure; /* without its state */
};
enum err listedit_published(const struct conf *conf, const struct list_published *lists,
    size_t count, struct errmsg *msg) MUST_CHECK;

/* A digest of all that a publish of the list is made of and braked by: what was imported, the
 * stored edits, the networks of the configuration. 0 if the list was never imported. */
enum err listedit_state(
    const struct conf *conf, struct kv_txn *txn, const char *name, uint64_t *out) MUST_CHECK;

#endif

/* Looking for some addresses or names among a list's stored entries, which are in the order of its
 * files: all chunks are gone through, and nothing but what is found takes memory. For listpatch.c.
 */
#ifndef LOADER_LISTSCAN_H
#define LOADER_LISTSCAN_H

#include "loader/listcollect.h"

/* Adds to out what decides of anything in where (listpatch.h): entries that share an address with
 * it; of names those that it has, and all below its wildcards. ERR_NOTFOUND: the entries are of an
 * earlier version. O(entries). */
enum err listscan(struct kv_txn *txn, const struct liststore_source *source,
    const struct list_flat *where, struct list_collect *out) MUST_CHECK;

#endif

/*
 * The chunks of a source (listpack.h) in lists.mdb, numbered in order with room between the
 * numbers, so that one more among them moves none. For lists.c.
 */
#ifndef LOADER_LISTCHUNKS_H
#define LOADER_LISTCHUNKS_H

#include "loader/listpack.h"
#include "zones/kv.h"

/* Makes the stored chunks of the source those of the pack; writes what differs. *refused: a put or
 * delete failed, which is sticky in the transaction. O(chunks of both). */
enum err listchunks_write(struct kv_txn *txn, uint16_t id, const struct list_pack *pack,
    const struct listfile *file, bool *refused) MUST_CHECK;

#endif

/*
 * Records on their way into a store: a growing list of (key, value) copies, and what differs
 * between such a list and the store.
 */
#ifndef LOADER_RECORDS_H
#define LOADER_RECORDS_H

#include <stddef.h>
#include <stdint.h>

#include "zones/err.h"
#include "zones/kv.h"
#include "zones/slice.h"

struct record {
    struct slice key, value; /* value.p is NULL: delete the key */
};

struct records {
    struct record *items;
    size_t count, room;
    struct record_chunk *chunks; /* hold the bytes */
};

/* An empty list is all zero bytes. */
void records_free(struct records *records);
/* Copies both; a store_emit_fn where ctx is the list. */
enum err records_add(void *ctx, struct slice key, struct slice value) MUST_CHECK;
void records_sort(struct records *records);

/* Appends to changes what turns the keys with this prefix in txn into want's items [from, to),
 * which have the prefix and are sorted. */
enum err records_diff(const struct records *want, size_t from, size_t to, struct kv_txn *txn,
    struct slice prefix, struct records *changes) MUST_CHECK;

/* Appends to changes what turns before into after, which are both sorted. */
enum err records_compare(
    const struct records *before, const struct records *after, struct records *changes) MUST_CHECK;

/* Puts and deletes in changes, which are sorted; failures are sticky in the transaction. Where they
 * put at least as much as half of what the store holds, all of it is written anew in key order:
 * LMDB's pages are full then, where keys put between others leave them half full. For that, before
 * is a snapshot of the state that txn changes; it may be older, and then nothing is written anew.
 */
enum err records_apply(
    const struct records *changes, struct kv_txn *before, struct kv_txn *txn) MUST_CHECK;

#endif

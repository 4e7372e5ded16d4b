/*
 * When policies were made, and when they are to be made again: exact times, kept in history.mdb.
 * What is served (answers.mdb) has days instead, so that it need not be written in every run.
 *
 * Record: HISTORY_POLICY dname_key(domain) -> made(8) expires(8) failing(8), seconds since 1970.
 */
#ifndef LOADER_POLICYTIMES_H
#define LOADER_POLICYTIMES_H

#include "loader/spfpolicies.h"
#include "zones/kv.h"

struct policy_times {
    int64_t made_s;    /* when the answers that it was last made of came; 0: never */
    int64_t expires_s; /* the first of them that expires, by its TTL and the bounds of those */
    int64_t failing_s; /* since when DNS fails for it; 0: it does not */
};

/* ERR_NOTFOUND for a domain without; ERR_FORMAT for a damaged record. */
enum err policytimes_get(
    struct kv_txn *txn, const struct dname *domain, struct policy_times *out) MUST_CHECK;

typedef enum err (*policytimes_each_fn)(
    void *ctx, const struct dname *domain, const struct policy_times *times);
enum err policytimes_each(struct kv_txn *txn, policytimes_each_fn each, void *ctx) MUST_CHECK;

/* What is to be written. An empty list is all zero bytes. */
struct policytimes {
    struct policytimes_item *items;
    size_t count, room;
};
void policytimes_free(struct policytimes *list);
/* Notes the policy's times where they are not those of txn. */
enum err policytimes_note(struct policytimes *list, struct kv_txn *txn, int64_t now_s,
    const struct dname *domain, const struct spfpolicy *policy) MUST_CHECK;
/* Writes what was noted, and drops what expired long ago. Failures are sticky in the transaction.
 */
enum err policytimes_save(
    const struct policytimes *list, struct kv_txn *txn, int64_t now_s) MUST_CHECK;

#endif

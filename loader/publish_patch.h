/*
 * Publishing a change of one dataset without building it: records that its caller computes from
 * what is served, in one transaction, by the rules of publish.h.
 */
#ifndef LOADER_PUBLISH_PATCH_H
#define LOADER_PUBLISH_PATCH_H

#include "loader/publish.h"
#include "loader/records.h"

/* Between open and close; read txn and dataset, add to changes. */
struct publish_patch {
    const struct conf *conf; /* borrowed */
    int64_t now_s;
    struct kv *kv;
    struct kv_txn *txn; /* what is served */
    struct store_meta meta;
    struct dataset dataset;
    struct records changes; /* puts and deletes of the dataset's records, each key once */
};

/* ERR_NOTFOUND: there is nothing to patch (no dataset of the name and kind), or a publish would
 * change more than the dataset (a zone's definition, the store's format). Close it whatever is
 * returned. */
enum err publish_patch_open(const struct conf *conf, const char *name, enum dataset_kind kind,
    int64_t now_s, struct publish_patch *out, struct errmsg *msg) MUST_CHECK;
void publish_patch_close(struct publish_patch *patch);

/* Writes the changes, with new serials of dataset and store, and so many entries more in the
 * dataset. Without changes nothing is written. The heartbeat stays. */
enum err publish_patch_write(struct publish_patch *patch, int64_t entries,
    struct publish_result *out, struct errmsg *msg) MUST_CHECK;

#endif

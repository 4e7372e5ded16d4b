/* Publishing a change of one dataset; see publish_patch.h. */
#include "loader/publish_patch.h"

/* Whether the zones are served as they are configured. */
static enum err
check_zones(struct publish_patch *patch)
{
    const uint8_t table = STORE_ZONE;
    struct kv_cursor *cursor;
    struct slice key, value;
    struct zone_record record;
    unsigned stored = 0;
    enum err err = kv_cursor_open(patch->txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK)
        stored++;
    kv_cursor_close(&cursor);
    if (err != ERR_NOTFOUND || stored != patch->conf->zone_count)
        return err == ERR_NOTFOUND ? err : ERR_FORMAT;
    for (unsigned i = 0; i < patch->conf->zone_count; i++) {
        const struct zone_def *zone = &patch->conf->zones[i];
        struct store_key apex;
        store_key_zone(&apex, &zone->apex);
        err = kv_get(patch->txn, store_key_slice(&apex), &value);
        if (err == ERR_OK)
            err = zone_record_decode(value, &record);
        if (err < 0)
            return err;
        if (record.digest != zone_digest(zone))
            return ERR_NOTFOUND;
    }
    return ERR_OK;
}

static enum err
read_head(struct publish_patch *patch, const char *name, enum dataset_kind kind)
{
    struct store_key key;
    struct slice value;
    store_key_meta(&key);
    enum err err = kv_get(patch->txn, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = store_meta_decode(value, &patch->meta);
    if (err == ERR_OK && !store_format_known(patch->meta.format))
        err = ERR_NOTFOUND;
    patch->meta.format = STORE_FORMAT;
    store_key_dataset(&key, name);
    if (err == ERR_OK)
        err = kv_get(patch->txn, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = dataset_decode(store_key_slice(&key), value, &patch->dataset);
    if (err == ERR_OK && patch->dataset.kind != kind)
        err = ERR_NOTFOUND;
    return err == ERR_OK ? check_zones(patch) : err;
}

enum err
publish_patch_open(const struct conf *conf, const char *name, enum dataset_kind kind, int64_t now_s,
    struct publish_patch *out, struct errmsg *msg)
{
    *out = (struct publish_patch){.conf = conf, .now_s = now_s};
    enum err err = kv_open(conf->answers_path, &(struct kv_options){0}, &out->kv, msg);
    if (err == ERR_OK)
        err = kv_begin(out->kv, false, &out->txn, msg);
    if (err < 0)
        return err;
    err = read_head(out, name, kind);
    return err < 0 ? errmsg_set(msg, err, "%s: %s", conf->answers_path, err_text(err)) : ERR_OK;
}

void
publish_patch_close(struct publish_patch *patch)
{
    records_free(&patch->changes);
    kv_abort(&patch->txn);
    kv_close(&patch->kv);
}

/* The records of the dataset and of the store. */
static enum err
add_head(struct publish_patch *patch, int64_t entries)
{
    struct store_key key;
    uint8_t meta[STORE_META_SIZE], record[DATASET_RECORD_SIZE];
    struct dataset *dataset = &patch->dataset;
    patch->meta.serial = store_next_serial(patch->meta.serial, patch->now_s);
    patch->meta.publishes++;
    dataset->serial = patch->meta.serial;
    dataset->built_s = patch->now_s;
    dataset->entries = (uint32_t)(dataset->entries + entries);
    store_key_dataset(&key, dataset->name);
    enum err err = records_add(
        &patch->changes, store_key_slice(&key), slice_of(record, dataset_encode(dataset, record)));
    store_key_meta(&key);
    if (err == ERR_OK)
        err = records_add(&patch->changes, store_key_slice(&key),
            slice_of(meta, store_meta_encode(&patch->meta, meta)));
    records_sort(&patch->changes);
    return err;
}

enum err
publish_patch_write(
    struct publish_patch *patch, int64_t entries, struct publish_result *out, struct errmsg *msg)
{
    struct kv_txn *txn;
    *out = (struct publish_result){.serial = patch->meta.serial};
    if (patch->changes.count == 0)
        return ERR_OK;
    enum err err = add_head(patch, entries);
    if (err < 0)
        return errmsg_set(msg, err, "%s: %s", patch->conf->answers_path, err_text(err));
    err = kv_begin(patch->kv, true, &txn, msg);
    if (err < 0)
        return err;
    err = records_apply(&patch->changes, patch->txn, txn);
    if (err < 0) {
        kv_abort(&txn);
        return errmsg_set(msg, err, "%s: %s", patch->conf->answers_path, err_text(err));
    }
    out->changed = true;
    out->serial = patch->meta.serial;
    for (size_t i = 0; i < patch->changes.count; i++) {
        out->records_put += patch->changes.items[i].value.p != NULL;
        out->records_deleted += patch->changes.items[i].value.p == NULL;
    }
    return kv_commit(&txn, msg);
}

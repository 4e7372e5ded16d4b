/* The state as an object of JSON; see status_json.h. */
#include "loader/status_json.h"

#include <sys/stat.h>

#include "loader/history.h"
#include "zones/kv.h"
#include "zones/store.h"

static json_t *
dataset_json(const struct dataset *dataset, int64_t beat_s, int64_t now_s)
{
    const struct jsonline_member members[] = {{"name", jsonline_string(dataset->name)},
        {"kind", json_string(dataset_kind_text(dataset->kind))},
        {"entries", json_integer(dataset->entries)}, {"serial", json_integer(dataset->serial)},
        {"built", jsonline_time(dataset->built_s)},
        {"expires", jsonline_time(dataset_expires_s(dataset, beat_s))},
        {"served", json_boolean(!dataset_expired(dataset, beat_s, now_s))}};
    return jsonline_object(members, sizeof members / sizeof *members);
}

static enum err
add_datasets(json_t **object, struct kv_txn *txn, int64_t beat_s, int64_t now_s)
{
    const uint8_t table = STORE_CATALOG;
    struct kv_cursor *cursor;
    struct slice key, value;
    json_t *datasets = json_array();
    enum err err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    while (err == ERR_OK && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct dataset dataset;
        err = dataset_decode(key, value, &dataset);
        if (err == ERR_OK)
            jsonline_append(&datasets, dataset_json(&dataset, beat_s, now_s));
    }
    kv_cursor_close(&cursor);
    jsonline_set(object, "datasets", datasets);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
add_answers(json_t **object, struct kv_txn *txn, int64_t now_s)
{
    struct store_key key;
    struct slice value;
    struct store_meta meta;
    int64_t beat_s = 0;
    store_key_meta(&key);
    enum err err = kv_get(txn, store_key_slice(&key), &value);
    if (err == ERR_OK)
        err = store_meta_decode(value, &meta);
    store_key_beat(&key);
    if (err == ERR_OK && kv_get(txn, store_key_slice(&key), &value) == ERR_OK)
        err = store_beat_decode(value, &beat_s);
    if (err < 0)
        return err == ERR_NOTFOUND ? ERR_FORMAT : err;
    jsonline_set(object, "serial", json_integer(meta.serial));
    jsonline_set(object, "publishes", jsonline_count(meta.publishes));
    jsonline_set(object, "last_run", jsonline_time(beat_s));
    return add_datasets(object, txn, beat_s, now_s);
}

static void
on_counter(void *ctx, const char *name, uint64_t value)
{
    json_t **counters = ctx, *text = jsonline_string(name);
    jsonline_set(counters, json_string_value(text), jsonline_count(value));
    json_decref(text);
}

static enum err
add_history(json_t **object, struct kv_txn *txn, int64_t now_s)
{
    struct hist_totals totals = {0};
    json_t *counters = json_object();
    enum err err = history_totals(txn, &totals);
    (void)now_s;
    if (err == ERR_OK)
        err = history_counters(txn, on_counter, &counters);
    const struct jsonline_member members[] = {{"clients", jsonline_count(totals.clients)},
        {"sessions", jsonline_count(totals.sessions)}, {"days", json_integer(totals.days)},
        {"first", jsonline_time(totals.first_s)}, {"last", jsonline_time(totals.last_s)},
        {"accepted", jsonline_count(totals.accepted)},
        {"accepted_with_helo", jsonline_count(totals.accepted_with_helo)}, {"counters", counters}};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        jsonline_set(object, members[i].key, members[i].value);
    return err;
}

static json_t *
failed_json(enum err err, const struct errmsg *msg)
{
    if (err == ERR_NOTFOUND)
        return json_null();
    json_t *failed = json_object();
    jsonline_set(&failed, "error", jsonline_string(msg->text));
    return failed;
}

typedef enum err (*store_fn)(json_t **object, struct kv_txn *txn, int64_t now_s);

static enum err
add_store(json_t **status, const char *name, const char *path, store_fn add, int64_t now_s,
    struct errmsg *msg)
{
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    struct kv_stat pages;
    struct stat st;
    json_t *object = json_object();
    enum err err = kv_open(path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err == ERR_OK)
        err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK) {
        kv_stat(txn, &pages);
        jsonline_set(&object, "path", jsonline_string(path));
        jsonline_set(
            &object, "bytes", jsonline_count(stat(path, &st) == 0 ? (uint64_t)st.st_size : 0));
        jsonline_set(&object, "used_bytes", jsonline_count(pages.used_bytes));
        jsonline_set(&object, "records", jsonline_count(pages.entries));
        if (add != NULL && (err = add(&object, txn, now_s)) < 0)
            (void)errmsg_set(msg, err, "%s: %s", path, err_text(err));
    }
    kv_abort(&txn);
    kv_close(&kv);
    jsonline_set(status, name, err == ERR_OK ? json_incref(object) : failed_json(err, msg));
    json_decref(object);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
status_json(const struct conf *conf, int64_t now_s, json_t **object, struct errmsg *msg)
{
    const struct {
        const char *name, *path;
        store_fn add;
    } stores[] = {{"answers", conf->answers_path, add_answers},
        {"history", conf->history_path, add_history}, {"lists", conf->lists_path, NULL}};
    enum err first = ERR_OK;
    *object = json_object();
    jsonline_set(object, "as_of", jsonline_time(now_s));
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        struct errmsg why = {""};
        enum err err =
            add_store(object, stores[i].name, stores[i].path, stores[i].add, now_s, &why);
        if (err < 0 && first == ERR_OK)
            first = errmsg_set(msg, err, "%s", why.text);
    }
    return first;
}

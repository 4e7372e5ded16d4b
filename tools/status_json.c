/* repdns status --json: what status prints, as one object; see tools.h. */
#include <sys/stat.h>

#include "loader/history.h"
#include "tools/json.h"
#include "tools/metrics_read.h"
#include "tools/tools.h"
#include "zones/kv.h"
#include "zones/store.h"

static const char *
kind_name(enum dataset_kind kind)
{
    static const char *const names[] = {[DATASET_ADDR] = "address",
        [DATASET_NAME] = "name",
        [DATASET_PAIR] = "pair",
        [DATASET_RECORDS] = "records",
        [DATASET_COMBINED] = "combined"};
    return names[kind];
}

static enum err
add_dataset(json_t *datasets, const struct dataset *dataset, int64_t beat_s, int64_t now_s)
{
    json_t *object = json_object();
    const struct {
        const char *key;
        json_t *value;
    } members[] = {{"name", json_string(dataset->name)},
        {"kind", json_string(kind_name(dataset->kind))},
        {"entries", json_integer(dataset->entries)}, {"serial", json_integer(dataset->serial)},
        {"built", tool_json_time(dataset->built_s)},
        {"expires", tool_json_time(dataset_expires_s(dataset, beat_s))},
        {"served", json_boolean(!dataset_expired(dataset, beat_s, now_s))}};
    bool whole = true;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        whole = tool_json_add(object, members[i].key, members[i].value) && whole;
    return json_array_append_new(datasets, object) == 0 && whole ? ERR_OK : ERR_NOMEM;
}

static enum err
add_datasets(json_t *object, struct kv_txn *txn, int64_t beat_s, int64_t now_s)
{
    const uint8_t table = STORE_CATALOG;
    struct kv_cursor *cursor;
    struct slice key, value;
    json_t *datasets = json_array();
    enum err err = tool_json_add(object, "datasets", datasets) ? ERR_OK : ERR_NOMEM;
    if (err == ERR_OK)
        err = kv_cursor_open(txn, slice_of(&table, 1), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct dataset dataset;
        err = dataset_decode(key, value, &dataset);
        if (err == ERR_OK)
            err = add_dataset(datasets, &dataset, beat_s, now_s);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
add_answers(json_t *object, struct kv_txn *txn, int64_t now_s)
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
    bool whole = tool_json_add(object, "serial", json_integer(meta.serial)) &&
                 tool_json_add(object, "publishes", json_integer((json_int_t)meta.publishes)) &&
                 tool_json_add(object, "last_run", tool_json_time(beat_s));
    return whole ? add_datasets(object, txn, beat_s, now_s) : ERR_NOMEM;
}

static void
on_counter(void *ctx, const char *name, uint64_t value)
{
    json_t *counter = json_integer((json_int_t)value);
    size_t n = 0;
    while (name[n] != '\0')
        n++;
    json_t *text = tool_json_text(slice_of(name, n));
    if (text != NULL)
        (void)tool_json_add(ctx, json_string_value(text), counter);
    else
        json_decref(counter);
    json_decref(text);
}

static enum err
add_history(json_t *object, struct kv_txn *txn, int64_t now_s)
{
    struct hist_totals totals;
    enum err err = history_totals(txn, &totals);
    (void)now_s;
    if (err < 0)
        return err;
    json_t *counters = json_object();
    const struct {
        const char *key;
        json_t *value;
    } members[] = {{"clients", json_integer((json_int_t)totals.clients)},
        {"sessions", json_integer((json_int_t)totals.sessions)},
        {"days", json_integer(totals.days)}, {"first", tool_json_time(totals.first_s)},
        {"last", tool_json_time(totals.last_s)},
        {"accepted", json_integer((json_int_t)totals.accepted)},
        {"accepted_with_helo", json_integer((json_int_t)totals.accepted_with_helo)},
        {"counters", counters}};
    bool whole = true;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        whole = tool_json_add(object, members[i].key, members[i].value) && whole;
    return whole ? history_counters(txn, on_counter, counters) : ERR_NOMEM;
}

typedef enum err (*store_fn)(json_t *object, struct kv_txn *txn, int64_t now_s);

/* A store that is not there yet is null; what can't be read has an "error" alone. */
static enum err
add_store(json_t *status, const char *name, const char *path, store_fn add, int64_t now_s,
    struct errmsg *msg)
{
    struct kv *kv = NULL;
    struct kv_txn *txn = NULL;
    struct stat st;
    json_t *object = json_object();
    enum err err = kv_open(path, &(struct kv_options){.read_only = true}, &kv, msg);
    if (err == ERR_OK)
        err = kv_begin(kv, false, &txn, msg);
    if (err == ERR_OK) {
        struct kv_stat pages;
        kv_stat(txn, &pages);
        int64_t bytes = stat(path, &st) == 0 ? (int64_t)st.st_size : 0;
        bool whole =
            tool_json_add(object, "path", json_string(path)) &&
            tool_json_add(object, "bytes", json_integer(bytes)) &&
            tool_json_add(object, "used_bytes", json_integer((json_int_t)pages.used_bytes)) &&
            tool_json_add(object, "records", json_integer((json_int_t)pages.entries));
        err = whole ? ERR_OK : ERR_NOMEM;
        if (err == ERR_OK && add != NULL)
            err = add(object, txn, now_s);
        if (err < 0)
            (void)errmsg_set(msg, err, "%s: %s", path, err_text(err));
    }
    kv_abort(&txn);
    kv_close(&kv);
    if (err < 0) {
        json_decref(object);
        object = err == ERR_NOTFOUND ? json_null() : json_pack("{s:s}", "error", msg->text);
    }
    if (!tool_json_add(status, name, object))
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* null: it is not running, or can't be asked. */
static bool
add_server(json_t *status, const struct conf *conf)
{
    struct metrics_reading now;
    struct errmsg msg;
    if (metrics_read(&conf->metrics, &now, &msg) < 0)
        return tool_json_add(status, "repdnsd", json_null());
    static const struct {
        const char *key, *metric;
    } numbers[] = {{"start", "repdnsd_start_time_seconds"}, {"usable", "repdnsd_store_usable"},
        {"serial", "repdnsd_store_serial"}, {"queries", "repdnsd_queries_total"},
        {"dropped", "repdnsd_dropped_total"}, {"stale", "repdnsd_stale_total"},
        {"unsent", "repdnsd_unsent_total"}, {"log_dropped", "repdnsd_log_dropped_total"}};
    json_t *server = json_object();
    bool whole = true;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double value = metrics_value(&now, numbers[i].metric, "");
        whole = tool_json_add(server, numbers[i].key, json_integer((json_int_t)value)) && whole;
    }
    metrics_reading_free(&now);
    return tool_json_add(status, "repdnsd", server) && whole;
}

enum err
status_print_json(const struct tool *tool, struct errmsg *msg)
{
    const struct conf *conf = tool->conf;
    const struct {
        const char *name, *path;
        store_fn add;
    } stores[] = {{"answers", conf->answers_path, add_answers},
        {"history", conf->history_path, add_history}, {"lists", conf->lists_path, NULL}};
    json_t *status = json_object();
    bool whole = tool_json_add(status, "as_of", tool_json_time(tool->now_s));
    enum err first = ERR_OK;
    for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
        struct errmsg why = {""};
        enum err err =
            add_store(status, stores[i].name, stores[i].path, stores[i].add, tool->now_s, &why);
        if (err < 0 && first == ERR_OK)
            first = errmsg_set(msg, err, "%s", why.text);
    }
    whole = add_server(status, conf) && whole;
    if (tool_json_line(tool->out, status, whole) < 0)
        return errmsg_set(msg, ERR_NOMEM, "out of memory");
    return first;
}

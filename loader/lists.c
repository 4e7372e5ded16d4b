/* Importing lists into lists.mdb; see lists.h. */
#include "loader/lists.h"

#include "loader/listchunks.h"
#include "loader/listread.h"
#include "loader/liststore.h"

/* One import: what was read, and where it goes. */
struct importing {
    const struct conf *conf;
    const struct list_source *source;
    const struct list_read *read; /* the list, or the section at work */
    struct kv_txn *txn;
    bool refused; /* a put or delete failed: the commit says how */
};

static enum err
damaged(const struct conf *conf, enum err err, struct errmsg *msg)
{
    return errmsg_set(
        msg, err, "%s: %s; delete it and run repdns-load import", conf->lists_path, err_text(err));
}

/* Whether the source was read from these very files, and whether it has entries of any. */
static enum err
is_same(struct kv *kv, const struct conf *conf, const struct list_source *source,
    struct slice files, bool *same, bool *filled, struct errmsg *msg)
{
    struct kv_txn *txn;
    struct liststore_source stored;
    *same = *filled = false;
    enum err err = kv_begin(kv, false, &txn, msg);
    if (err < 0)
        return err;
    err = liststore_get(txn, source->name, &stored);
    *same = err == ERR_OK && !stored.old && stored.type == source->type &&
            slice_cmp(stored.files, files) == 0;
    *filled = err == ERR_OK && stored.type == source->type && stored.count > 0;
    kv_abort(&txn);
    return err < 0 && err != ERR_NOTFOUND ? damaged(conf, err, msg) : ERR_OK;
}

/* An id that no source has. */
static enum err
next_id(struct kv_txn *txn, uint16_t *out)
{
    struct liststore_key prefix;
    struct kv_cursor *cursor;
    struct slice key, value;
    struct liststore_source source;
    *out = 1;
    liststore_key_sources(&prefix);
    enum err err = kv_cursor_open(txn, liststore_slice(&prefix), &cursor);
    if (err < 0)
        return err;
    while (err == ERR_OK && (err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        err = liststore_decode(value, &source);
        if (err == ERR_OK && source.id == UINT16_MAX)
            err = ERR_FULL;
        if (err == ERR_OK && source.id >= *out)
            *out = (uint16_t)(source.id + 1);
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

/* For own entries without a value (listlayer.h). */
static enum err
write_default(struct importing *importing, uint16_t id)
{
    const struct listfile *file = &importing->read->file;
    struct liststore_key key;
    struct slice stored;
    uint8_t value[LISTFILE_VALUE_MAX];
    struct listfile_raw raw = listfile_default(file);
    struct slice new = slice_of(value, listfile_value(file, &raw, value));
    liststore_key_default(&key, id);
    enum err err = kv_get(importing->txn, liststore_slice(&key), &stored);
    if (err == ERR_NOTFOUND || (err == ERR_OK && slice_cmp(stored, new) != 0)) {
        err = kv_put(importing->txn, liststore_slice(&key), new);
        importing->refused = err < 0;
    }
    return err;
}

/* Deletes what an earlier version kept entry by entry. */
static enum err
delete_entries(struct importing *importing, uint16_t id, uint32_t count)
{
    enum err err = ERR_OK;
    for (uint32_t n = 0; err == ERR_OK && n < count; n++) {
        struct liststore_key key;
        liststore_key_entry(&key, id, n);
        err = kv_del(importing->txn, liststore_slice(&key));
        importing->refused = err < 0;
    }
    return err;
}

/* What $SOA and $NS said; a serial of 0 is the newest file's time. */
static struct slice
encode_authority(const struct list_read *read, uint8_t out[AUTHORITY_SIZE_MAX])
{
    struct authority authority = read->authority;
    if (!authority.has_soa && authority.ns_count == 0)
        return slice_of(NULL, 0);
    if (authority.serial == 0)
        authority.serial = (uint32_t)read->newest_s;
    return slice_of(out, authority_encode(&authority, out));
}

/* In the write transaction: entries first, then the source that vouches for them. */
static enum err
write_source(struct importing *importing, const char *name, struct slice files)
{
    const struct list_read *read = importing->read;
    struct liststore_source source;
    uint8_t authority[AUTHORITY_SIZE_MAX];
    enum list_holds holds = list_type_info(read->file.type)->holds;
    enum err err = liststore_get(importing->txn, name, &source);
    if (err == ERR_OK && source.old && source.type != LIST_COMBINED)
        err = delete_entries(importing, source.id, source.count);
    if (err == ERR_NOTFOUND)
        err = next_id(importing->txn, &source.id);
    if (err == ERR_OK)
        err = listchunks_write(
            importing->txn, source.id, &read->pack, &read->file, &importing->refused);
    bool plain = holds != LIST_HOLDS_RECORDS && holds != LIST_HOLDS_PARTS;
    if (err == ERR_OK && plain)
        err = write_default(importing, source.id);
    if (err < 0)
        return err;
    source.type = read->file.type;
    source.count = (uint32_t)(holds == LIST_HOLDS_PARTS ? read->part_count : read->pack.count);
    /* Records and sections have theirs. */
    source.ttl_s = plain ? read->file.ttl_s : 0;
    source.expires_s = read->file.expires_s;
    source.authority = encode_authority(read, authority);
    source.files = files;
    return liststore_put(importing->txn, name, &source);
}

/* Deletes stored sections from the n-th on. */
static enum err
delete_parts(struct importing *importing, size_t n)
{
    static const struct list_pack none;
    for (;; n++) {
        char name[DATASET_NAME_SIZE];
        struct liststore_source source;
        struct liststore_key key;
        liststore_part_name(importing->source->name, n, name);
        enum err err = liststore_get(importing->txn, name, &source);
        if (err < 0)
            return err == ERR_NOTFOUND ? ERR_OK : err;
        err = source.old ? delete_entries(importing, source.id, source.count)
                         : listchunks_write(importing->txn, source.id, &none,
                               &importing->read->file, &importing->refused);
        liststore_key_default(&key, source.id);
        if (err == ERR_OK)
            err = kv_del(importing->txn, liststore_slice(&key));
        liststore_key_source(&key, name);
        if (err == ERR_OK)
            err = kv_del(importing->txn, liststore_slice(&key));
        importing->refused = err < 0;
        if (err < 0)
            return err;
    }
}

static enum err
write_list(struct importing *importing)
{
    const struct list_read *whole = importing->read;
    enum err err = ERR_OK;
    for (size_t i = 0; err == ERR_OK && i < whole->part_count; i++) {
        char name[DATASET_NAME_SIZE];
        importing->read = &whole->parts[i];
        liststore_part_name(importing->source->name, i + 1, name);
        err = write_source(
            importing, name, slice_of(importing->read->zones.p, importing->read->zones.n));
    }
    importing->read = whole;
    if (err == ERR_OK)
        err = delete_parts(importing, whole->part_count + 1);
    if (err == ERR_OK)
        err = write_source(
            importing, importing->source->name, slice_of(whole->files.p, whole->files.n));
    return err;
}

static enum err
replace(struct kv *kv, struct importing *importing, struct errmsg *msg)
{
    enum err err = kv_begin(kv, true, &importing->txn, msg);
    if (err < 0)
        return err;
    err = write_list(importing);
    if (err < 0 && !importing->refused) {
        kv_abort(&importing->txn);
        return damaged(importing->conf, err, msg);
    }
    return kv_commit(&importing->txn, msg);
}

static enum err
import(struct kv *kv, const struct conf *conf, const struct list_source *source, int64_t now_s,
    bool *changed, struct list_stats *stats, struct errmsg *msg)
{
    struct list_bytes state;
    bool same = false, filled = false;
    enum err err = listread_state(source, &state, msg);
    if (err == ERR_OK)
        err = is_same(kv, conf, source, slice_of(state.p, state.n), &same, &filled, msg);
    listbytes_free(&state);
    if (err < 0 || same)
        return err;
    /* What there is goes on being served instead of half a file. */
    struct list_read read = {.whole_only = filled && !conf->strict_rbldnsd};
    struct importing importing = {.conf = conf, .source = source, .read = &read};
    err = listread(source, now_s, &read, stats, msg);
    if (err == ERR_OK)
        err = replace(kv, &importing, msg);
    *changed = err == ERR_OK;
    listread_free(&read);
    return err;
}

enum err
lists_import(const struct conf *conf, const struct list_source *source, int64_t now_s,
    bool *changed, struct list_stats *stats, struct errmsg *msg)
{
    struct kv *kv;
    *changed = false;
    *stats = (struct list_stats){0};
    enum err err = kv_open(conf->lists_path, &(struct kv_options){.create = true}, &kv, msg);
    if (err < 0)
        return err;
    err = import(kv, conf, source, now_s, changed, stats, msg);
    kv_close(&kv);
    return err;
}

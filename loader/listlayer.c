/* The operator's own edits; see listlayer.h. */
#include "loader/listlayer.h"

#include <stdlib.h>

#include "zones/be.h"
#include "zones/fnv.h"

enum {
    LAYER_TABLE = 'L',
    VERSION = 1,
    FIXED = 1 + 8 + 8 + 2,
    KEY_MAX = 1 + DATASET_NAME_SIZE + 2 + LISTSTORE_ENTRY_MAX,
    RECORD_MAX = FIXED + LISTFILE_VALUE_MAX + LISTLAYER_NOTE_MAX
};

struct key {
    size_t n;
    uint8_t b[KEY_MAX];
};

void
listlayer_free(struct list_layer *layer)
{
    free(layer->edits);
    listflat_free(&layer->bytes);
    *layer = (struct list_layer){0};
}

/* The keys of all edits of a list begin so. */
static void
set_prefix(struct key *key, const char *name)
{
    size_t n = strnlen(name, DATASET_NAME_SIZE - 1);
    key->b[0] = LAYER_TABLE;
    memcpy(key->b + 1, name, n);
    key->b[n + 1] = 0;
    key->n = n + 2;
}

static void
set_key(struct key *key, const char *name, const struct list_edit *edit)
{
    set_prefix(key, name);
    key->b[key->n++] = (uint8_t)edit->type;
    key->b[key->n++] = (uint8_t)edit->kind;
    struct listfile_entry bare = edit->entry;
    bare.excluded = false;
    key->n += liststore_entry(&bare, edit->type, slice_of(NULL, 0), key->b + key->n);
}

static size_t
encode(const struct list_edit *edit, uint8_t out[RECORD_MAX])
{
    uint8_t *at = be_put(out, VERSION, 1);
    at = be_put(at, (uint64_t)edit->expires_s, 8);
    at = be_put(at, (uint64_t)edit->added_s, 8);
    at = be_put(at, edit->value.n, 2);
    if (edit->value.n > 0)
        memcpy(at, edit->value.p, edit->value.n);
    at += edit->value.n;
    if (edit->note.n > 0)
        memcpy(at, edit->note.p, edit->note.n);
    return (size_t)(at - out) + edit->note.n;
}

/* rest: the key after the list's name. */
static enum err
decode(struct slice rest, struct slice record, struct list_edit *out)
{
    const uint8_t *key = rest.p, *in = record.p;
    if (rest.n < 3 || key[0] >= LIST_TYPE_COUNT || record.n < FIXED || in[0] != VERSION ||
        (key[1] != LIST_EDIT_ADD && key[1] != LIST_EDIT_DEL))
        return ERR_FORMAT;
    *out = (struct list_edit){.type = (enum list_type)key[0],
        .kind = (enum list_edit_kind)key[1],
        .expires_s = (int64_t)be_get(in + 1, 8),
        .added_s = (int64_t)be_get(in + 9, 8)};
    size_t value_n = (size_t)be_get(in + 17, 2);
    if (value_n > record.n - FIXED || value_n > LISTFILE_VALUE_MAX ||
        record.n - FIXED - value_n > LISTLAYER_NOTE_MAX)
        return ERR_FORMAT;
    out->value = slice_of(in + FIXED, value_n);
    out->note = slice_of(in + FIXED + value_n, record.n - FIXED - value_n);
    return liststore_key_decode(slice_of(key + 2, rest.n - 2), out->type, &out->entry);
}

static enum err
grow(struct list_layer *layer)
{
    if (layer->count < layer->room)
        return ERR_OK;
    size_t room = layer->room * 2 + 16;
    struct list_edit *grown = reallocarray(layer->edits, room, sizeof *grown);
    if (grown == NULL)
        return ERR_NOMEM;
    layer->edits = grown;
    layer->room = room;
    return ERR_OK;
}

enum err
listlayer_read(struct kv_txn *txn, const char *name, struct list_layer *out)
{
    struct key prefix;
    struct kv_cursor *cursor;
    struct slice key, record;
    set_prefix(&prefix, name);
    enum err err = kv_cursor_open(txn, slice_of(prefix.b, prefix.n), &cursor);
    if (err < 0)
        return err;
    while (err == ERR_OK && (err = kv_cursor_next(cursor, &key, &record)) == ERR_OK) {
        struct slice kept = listflat_keep(&out->bytes, record);
        struct slice rest = slice_of((const uint8_t *)key.p + prefix.n, key.n - prefix.n);
        err = kept.p == NULL ? ERR_NOMEM : grow(out);
        if (err == ERR_OK)
            err = decode(rest, kept, &out->edits[out->count]);
        out->count += err == ERR_OK;
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static bool
same_entry(const struct list_edit *edit, enum list_type type, const struct listfile_entry *entry)
{
    const struct listfile_entry *own = &edit->entry;
    if (edit->type != type)
        return false;
    if (list_type_info(type)->holds == LIST_HOLDS_NAMES)
        return own->exact == entry->exact && own->wild == entry->wild &&
               dname_equal(&own->name, &entry->name);
    return ip_cmp(&own->range.first, &entry->range.first) == 0 &&
           ip_cmp(&own->range.last, &entry->range.last) == 0;
}

/* In the order of the store. */
static bool
comes_before(const struct list_edit *a, const struct list_edit *b)
{
    struct key x, y;
    set_key(&x, "", a);
    set_key(&y, "", b);
    return slice_cmp(slice_of(x.b, x.n), slice_of(y.b, y.n)) < 0;
}

enum err
listlayer_put(struct list_layer *layer, const struct list_edit *edit)
{
    for (size_t i = 0; i < layer->count; i++) {
        if (layer->edits[i].kind != edit->kind ||
            !same_entry(&layer->edits[i], edit->type, &edit->entry))
            continue;
        layer->edits[i] = *edit;
        return ERR_OK;
    }
    enum err err = grow(layer);
    if (err < 0)
        return err;
    size_t at = layer->count++;
    for (; at > 0 && comes_before(edit, &layer->edits[at - 1]); at--)
        layer->edits[at] = layer->edits[at - 1];
    layer->edits[at] = *edit;
    return ERR_OK;
}

unsigned
listlayer_undo(struct list_layer *layer, enum list_type type, const struct listfile_entry *entry)
{
    size_t kept = 0;
    for (size_t i = 0; i < layer->count; i++)
        if (!same_entry(&layer->edits[i], type, entry))
            layer->edits[kept++] = layer->edits[i];
    unsigned gone = (unsigned)(layer->count - kept);
    layer->count = kept;
    return gone;
}

size_t
listlayer_count(const struct list_layer *layer, enum list_edit_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < layer->count; i++)
        count += layer->edits[i].kind == kind;
    return count;
}

void
listlayer_expire(struct list_layer *layer, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < layer->count; i++)
        if (layer->edits[i].expires_s == 0 || layer->edits[i].expires_s > now_s)
            layer->edits[kept++] = layer->edits[i];
    layer->count = kept;
}

/* Whether del is about everything that entry is about. */
static bool
covers(const struct listfile_entry *del, const struct listfile_entry *entry, enum list_type type)
{
    if (list_type_info(type)->holds != LIST_HOLDS_NAMES)
        return ip_cmp(&del->range.first, &entry->range.first) <= 0 &&
               ip_cmp(&del->range.last, &entry->range.last) >= 0;
    if (!dname_under(&entry->name, &del->name))
        return false;
    if (!dname_equal(&entry->name, &del->name))
        return del->wild;
    return (del->exact || !entry->exact) && (del->wild || !entry->wild);
}

const struct list_edit *
listlayer_del_over(
    const struct list_layer *layer, enum list_type type, const struct listfile_entry *entry)
{
    for (size_t i = 0; i < layer->count; i++) {
        const struct list_edit *edit = &layer->edits[i];
        if (edit->kind == LIST_EDIT_DEL && edit->type == type && covers(&edit->entry, entry, type))
            return edit;
    }
    return NULL;
}

static enum err
put_edits(struct kv_txn *txn, const char *name, const struct list_layer *layer)
{
    struct key key;
    uint8_t record[RECORD_MAX];
    for (size_t i = 0; i < layer->count; i++) {
        struct slice stored;
        set_key(&key, name, &layer->edits[i]);
        struct slice new = slice_of(record, encode(&layer->edits[i], record));
        enum err err = kv_get(txn, slice_of(key.b, key.n), &stored);
        if (err < 0 && err != ERR_NOTFOUND)
            return err;
        if (err == ERR_NOTFOUND || slice_cmp(stored, new) != 0)
            (void)kv_put(txn, slice_of(key.b, key.n), new);
    }
    return ERR_OK;
}

static int
by_bytes(const void *a, const void *b)
{
    struct slice x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return slice_cmp(x, y);
}

/* The keys of the layer's edits, sorted; their bytes are the arena's. */
static enum err
sorted_keys(const char *name, const struct list_layer *layer, struct listflat_arena *arena,
    struct slice **out)
{
    *out = calloc(layer->count + 1, sizeof **out);
    if (*out == NULL)
        return ERR_NOMEM;
    for (size_t i = 0; i < layer->count; i++) {
        struct key key;
        set_key(&key, name, &layer->edits[i]);
        (*out)[i] = listflat_keep(arena, slice_of(key.b, key.n));
        if ((*out)[i].p == NULL)
            return ERR_NOMEM;
    }
    if (layer->count > 1)
        qsort(*out, layer->count, sizeof **out, by_bytes);
    return ERR_OK;
}

/* Deletes stored edits that the layer has no more: always the one after the last that stays, since
 * a cursor does not outlive a write. */
static enum err
delete_others(struct kv_txn *txn, const char *name, const struct slice *keys, size_t count)
{
    struct key prefix, gone;
    enum err err = ERR_OK;
    set_prefix(&prefix, name);
    gone.n = 0;
    do {
        struct kv_cursor *cursor;
        struct slice key, record;
        bool found = false;
        err = kv_cursor_open(txn, slice_of(prefix.b, prefix.n), &cursor);
        if (err < 0)
            return err;
        if (gone.n > 0)
            kv_cursor_seek(cursor, slice_of(gone.b, gone.n));
        while (!found && (err = kv_cursor_next(cursor, &key, &record)) == ERR_OK)
            found = count == 0 || bsearch(&key, keys, count, sizeof key, by_bytes) == NULL;
        if (found && key.n <= sizeof gone.b) {
            memcpy(gone.b, key.p, key.n);
            gone.n = key.n;
        }
        kv_cursor_close(&cursor);
        if (found)
            err = kv_del(txn, slice_of(gone.b, gone.n));
    } while (err == ERR_OK);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
listlayer_write(struct kv_txn *txn, const char *name, const struct list_layer *layer)
{
    struct listflat_arena arena = {0};
    struct slice *keys;
    enum err err = sorted_keys(name, layer, &arena, &keys);
    if (err == ERR_OK)
        err = put_edits(txn, name, layer);
    if (err == ERR_OK)
        err = delete_others(txn, name, keys, layer->count);
    free(keys);
    listflat_free(&arena);
    return err;
}

enum err
listlayer_digest(struct kv_txn *txn, const char *name, uint64_t *hash)
{
    struct key prefix;
    struct kv_cursor *cursor;
    struct slice key, record;
    set_prefix(&prefix, name);
    enum err err = kv_cursor_open(txn, slice_of(prefix.b, prefix.n), &cursor);
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &record)) == ERR_OK) {
        *hash = fnv_add(*hash, &key.n, sizeof key.n);
        *hash = fnv_add(*hash, key.p, key.n);
        *hash = fnv_add(*hash, &record.n, sizeof record.n);
        *hash = fnv_add(*hash, record.p, record.n);
    }
    kv_cursor_close(&cursor);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

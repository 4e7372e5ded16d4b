/* Records and their differences; see records.h. */
#include "loader/records.h"

#include <stdlib.h>

enum { CHUNK = 1 << 20 };

struct record_chunk {
    struct record_chunk *next;
    size_t n, size;
    uint8_t bytes[];
};

void
records_free(struct records *records)
{
    while (records->chunks != NULL) {
        struct record_chunk *chunk = records->chunks;
        records->chunks = chunk->next;
        free(chunk);
    }
    free(records->items);
    *records = (struct records){0};
}

static uint8_t *
take_bytes(struct records *records, size_t n)
{
    struct record_chunk *chunk = records->chunks;
    if (chunk == NULL || chunk->size - chunk->n < n) {
        size_t size = n > CHUNK ? n : CHUNK;
        chunk = malloc(sizeof *chunk + size);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct record_chunk){.next = records->chunks, .size = size};
        records->chunks = chunk;
    }
    uint8_t *bytes = chunk->bytes + chunk->n;
    chunk->n += n;
    return bytes;
}

enum err
records_add(void *ctx, struct slice key, struct slice value)
{
    struct records *records = ctx;
    if (records->count == records->room) {
        size_t room = records->room == 0 ? 256 : records->room * 2;
        struct record *grown = reallocarray(records->items, room, sizeof *grown);
        if (grown == NULL)
            return ERR_NOMEM;
        records->items = grown;
        records->room = room;
    }
    uint8_t *bytes = take_bytes(records, key.n + value.n + 1);
    if (bytes == NULL)
        return ERR_NOMEM;
    struct record *record = &records->items[records->count++];
    memcpy(bytes, key.p, key.n);
    if (value.n != 0)
        memcpy(bytes + key.n, value.p, value.n);
    record->key = slice_of(bytes, key.n);
    record->value = slice_of(value.p == NULL ? NULL : bytes + key.n, value.n);
    return ERR_OK;
}

static int
by_key(const void *a, const void *b)
{
    return slice_cmp(((const struct record *)a)->key, ((const struct record *)b)->key);
}

void
records_sort(struct records *records)
{
    if (records->count > 0)
        qsort(records->items, records->count, sizeof *records->items, by_key);
}

static enum err
merge(const struct records *want, size_t from, size_t to, struct kv_cursor *cursor,
    struct records *changes)
{
    struct slice key, value;
    enum err have = kv_cursor_next(cursor, &key, &value);
    while (from < to || have == ERR_OK) {
        if (have < 0 && have != ERR_NOTFOUND)
            return have;
        const struct record *item = from < to ? &want->items[from] : NULL;
        int order = item == NULL ? 1 : have != ERR_OK ? -1 : slice_cmp(item->key, key);
        enum err err = ERR_OK;
        if (order > 0)
            err = records_add(changes, key, slice_of(NULL, 0));
        else if (order < 0 || slice_cmp(item->value, value) != 0)
            err = records_add(changes, item->key, item->value);
        if (err < 0)
            return err;
        if (order <= 0)
            from++;
        if (order >= 0)
            have = kv_cursor_next(cursor, &key, &value);
    }
    return have == ERR_NOTFOUND ? ERR_OK : have;
}

enum err
records_diff(const struct records *want, size_t from, size_t to, struct kv_txn *txn,
    struct slice prefix, struct records *changes)
{
    struct kv_cursor *cursor;
    enum err err = kv_cursor_open(txn, prefix, &cursor);
    if (err < 0)
        return err;
    err = merge(want, from, to, cursor, changes);
    kv_cursor_close(&cursor);
    return err;
}

enum err
records_compare(const struct records *before, const struct records *after, struct records *changes)
{
    size_t i = 0, k = 0;
    enum err err = ERR_OK;
    while (err == ERR_OK && (i < before->count || k < after->count)) {
        const struct record *old = i < before->count ? &before->items[i] : NULL;
        const struct record *new = k < after->count ? &after->items[k] : NULL;
        int order = old == NULL ? 1 : new == NULL ? -1 : slice_cmp(old->key, new->key);
        if (order < 0)
            err = records_add(changes, old->key, slice_of(NULL, 0));
        else if (order > 0 || slice_cmp(old->value, new->value) != 0)
            err = records_add(changes, new->key, new->value);
        i += order <= 0;
        k += order >= 0;
    }
    return err;
}

static void
apply(const struct record *record, struct kv_txn *txn)
{
    /* Failures are sticky: the commit reports them. */
    if (record->value.p == NULL)
        (void)kv_del(txn, record->key);
    else
        (void)kv_put(txn, record->key, record->value);
}

/* Everything in order: what before has and the changes leave, and what they put. */
static enum err
rewrite(const struct records *changes, struct kv_txn *before, struct kv_txn *txn)
{
    struct kv_cursor *cursor;
    struct slice key, value;
    size_t i = 0;
    enum err have = kv_cursor_open(before, slice_of(NULL, 0), &cursor);
    if (have < 0)
        return have;
    (void)kv_clear(txn);
    have = kv_cursor_next(cursor, &key, &value);
    while (have == ERR_OK || (have == ERR_NOTFOUND && i < changes->count)) {
        const struct record *record = i < changes->count ? &changes->items[i] : NULL;
        int order = have != ERR_OK ? -1 : record == NULL ? 1 : slice_cmp(record->key, key);
        if (order > 0)
            (void)kv_put(txn, key, value);
        else if (record->value.p != NULL)
            (void)kv_put(txn, record->key, record->value);
        i += order <= 0;
        if (order >= 0)
            have = kv_cursor_next(cursor, &key, &value);
    }
    kv_cursor_close(&cursor);
    return have == ERR_NOTFOUND ? ERR_OK : have;
}

enum err
records_apply(const struct records *changes, struct kv_txn *before, struct kv_txn *txn)
{
    struct kv_stat stat;
    uint64_t put = 0;
    for (size_t i = 0; i < changes->count; i++)
        put += changes->items[i].value.p == NULL
                   ? 0
                   : changes->items[i].key.n + changes->items[i].value.n;
    kv_stat(before, &stat);
    if (kv_generation(before) + 1 == kv_generation(txn) && put >= stat.used_bytes / 2)
        return rewrite(changes, before, txn);
    for (size_t i = 0; i < changes->count; i++)
        apply(&changes->items[i], txn);
    return ERR_OK;
}

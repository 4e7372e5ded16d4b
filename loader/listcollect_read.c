/* Collecting the stored entries of a list; see listcollect.h. */
#include <stdlib.h>

#include "loader/listcollect.h"
#include "loader/listpack.h"

/* Whether the value is that of all before it; where it is not, all is to be read as it comes. */
static enum err
check_value(struct list_collect *collect, struct slice value, bool *same)
{
    if (collect->plain_value.p == NULL)
        collect->plain_value = listflat_keep(collect->arena, value);
    *same = slice_cmp(collect->plain_value, value) == 0;
    collect->differ = !*same;
    return collect->plain_value.p == NULL ? ERR_NOMEM : ERR_OK;
}

static enum err
reserve_plain(struct list_collect *collect, size_t more)
{
    size_t count = collect->plain_count + more, room = count + count / 2 + 1024;
    if (collect->plain_room >= count)
        return ERR_OK;
    uint32_t *grown = reallocarray(collect->plain, room, sizeof *grown);
    if (grown == NULL)
        return ERR_NOMEM;
    collect->plain = grown;
    collect->plain_room = room;
    return ERR_OK;
}

static enum err
add_plain_chunk(struct list_collect *collect, const struct listpack_reader *chunk)
{
    bool same;
    enum err err = check_value(collect, chunk->value[0], &same);
    if (err == ERR_OK && same)
        err = reserve_plain(collect, chunk->left);
    if (err < 0 || !same)
        return err;
    for (size_t i = 0; i < chunk->left; i++)
        collect->plain[collect->plain_count++] = (uint32_t)be_get(chunk->at + 4 * i, 4);
    collect->listed += chunk->left;
    return ERR_OK;
}

/* Single addresses apart, as long as all have one value. */
static enum err
add_stored(struct list_collect *collect, const struct listfile_entry *entry, struct slice value)
{
    bool same = true;
    enum err err = ERR_OK;
    if (collect->mode == LIST_COLLECT_ALL)
        return listcollect_add(collect, entry, value);
    if (collect->overlaps != LIST_OVERLAPS_LEVELS) {
        collect->differ = true;
        return ERR_OK;
    }
    if (value.n > 0)
        err = check_value(collect, value, &same);
    if (err < 0 || !same)
        return err;
    if (value.n == 0 || ip_cmp(&entry->range.first, &entry->range.last) != 0)
        return listcollect_add(collect, entry, value);
    err = reserve_plain(collect, 1);
    if (err < 0)
        return err;
    collect->plain[collect->plain_count++] = ip_v4(&entry->range.first);
    collect->listed++;
    return ERR_OK;
}

static enum err
read_chunk(struct list_collect *collect, struct slice record, struct listpack_reader *chunk)
{
    struct listfile_entry entry;
    struct slice value;
    enum err err = listpack_open(chunk, record, collect->type);
    if (err == ERR_OK && chunk->plain && collect->mode == LIST_COLLECT_PLAIN)
        return add_plain_chunk(collect, chunk);
    while (
        err == ERR_OK && !collect->differ && (err = listpack_next(chunk, &entry, &value)) == ERR_OK)
        err = add_stored(collect, &entry, value);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

static enum err
read_record(struct list_collect *collect, struct slice key, struct slice record,
    struct listpack_reader *chunk)
{
    struct listfile_entry entry;
    struct slice value;
    if (!liststore_is_entry(key))
        return read_chunk(collect, record, chunk);
    enum err err = liststore_entry_decode(record, collect->type, &entry, &value);
    return err == ERR_OK ? add_stored(collect, &entry, value) : err;
}

/* Until the last, or one that is not as it should be. */
static enum err
read_all(struct list_collect *collect, struct kv_txn *txn, const struct liststore_source *source)
{
    struct liststore_key prefix;
    struct kv_cursor *cursor = NULL;
    struct slice key, record;
    struct listpack_reader *chunk = malloc(sizeof *chunk);
    liststore_key_entries(&prefix, source->id);
    enum err err = chunk == NULL ? ERR_NOMEM : ERR_OK;
    if (err == ERR_OK)
        err = kv_cursor_open(txn, liststore_slice(&prefix), &cursor);
    while (err == ERR_OK && !collect->differ &&
           (err = kv_cursor_next(cursor, &key, &record)) == ERR_OK)
        err = read_record(collect, key, record, chunk);
    kv_cursor_close(&cursor);
    free(chunk);
    return err == ERR_NOTFOUND ? ERR_OK : err;
}

enum err
listcollect_read(
    struct list_collect *collect, struct kv_txn *txn, const struct liststore_source *source)
{
    bool v4 = list_type_info(collect->type)->holds == LIST_HOLDS_V4;
    collect->mode = v4 ? LIST_COLLECT_PLAIN : LIST_COLLECT_ALL;
    enum err err = read_all(collect, txn, source);
    if (err == ERR_OK && collect->differ) {
        collect->mode = LIST_COLLECT_ALL;
        collect->differ = false;
        collect->count = collect->plain_count = 0;
        collect->listed = 0;
        err = read_all(collect, txn, source);
    }
    bool whole = collect->count + collect->plain_count == source->count;
    return err == ERR_OK && !whole ? ERR_FORMAT : err;
}

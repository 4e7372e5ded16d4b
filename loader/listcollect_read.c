/* Collecting the stored entries of a list; see listcollect.h. */
#include <stdlib.h>

#include "loader/listcollect.h"
#include "loader/listpack.h"

/* The values of a chunk among the source's: their numbers plus 1, 0 where not known yet. */
struct numbers {
    uint16_t of[LISTPACK_VALUES_MAX];
};

/* Only an ip4set of single addresses may have several; where it can't be, all is to be read as it
 * comes. */
static enum err
number_value(struct list_collect *collect, struct slice value, uint8_t *number)
{
    enum err err = listcollect_keep(collect, &value);
    if (collect->plain_values == NULL)
        collect->plain_values = calloc(1, sizeof *collect->plain_values);
    if (err == ERR_OK && collect->plain_values == NULL)
        err = ERR_NOMEM;
    if (err < 0)
        return err;
    err = listflat_number(collect->plain_values, value, number);
    bool several = err == ERR_OK && collect->plain_values->count > 1;
    collect->differ =
        err == ERR_RANGE ||
        (several && (collect->overlaps != LIST_OVERLAPS_LEVELS || collect->count > 0));
    return err == ERR_RANGE ? ERR_OK : err;
}

/* Room for more, and their numbers from the second value on. */
static enum err
reserve_plain(struct list_collect *collect, size_t more)
{
    size_t count = collect->plain_count + more, room = count + count / 2 + 1024;
    bool several = collect->plain_values->count > 1;
    if (several && collect->plain_number == NULL) {
        size_t numbers = collect->plain_room > count ? collect->plain_room : room;
        collect->plain_number = calloc(numbers, sizeof *collect->plain_number);
        if (collect->plain_number == NULL)
            return ERR_NOMEM;
    }
    if (collect->plain_room >= count)
        return ERR_OK;
    uint32_t *grown = reallocarray(collect->plain, room, sizeof *grown);
    if (grown == NULL)
        return ERR_NOMEM;
    collect->plain = grown;
    if (collect->plain_number != NULL) {
        uint8_t *numbers = reallocarray(collect->plain_number, room, sizeof *numbers);
        if (numbers == NULL)
            return ERR_NOMEM;
        collect->plain_number = numbers;
    }
    collect->plain_room = room;
    return ERR_OK;
}

static enum err
add_plain_chunk(struct list_collect *collect, const struct listpack_reader *chunk)
{
    uint8_t number;
    enum err err = number_value(collect, chunk->value[0], &number);
    if (err == ERR_OK && !collect->differ)
        err = reserve_plain(collect, chunk->left);
    if (err < 0 || collect->differ)
        return err;
    if (collect->plain_number != NULL)
        memset(collect->plain_number + collect->plain_count, number, chunk->left);
    for (size_t i = 0; i < chunk->left; i++)
        collect->plain[collect->plain_count++] = (uint32_t)be_get(chunk->at + 4 * i, 4);
    collect->listed += chunk->left;
    return ERR_OK;
}

/* Single addresses apart. known is that of the value, or NULL. */
static enum err
add_stored(struct list_collect *collect, const struct listfile_entry *entry, struct slice value,
    uint16_t *known)
{
    uint8_t number = 0;
    enum err err = ERR_OK;
    if (collect->mode == LIST_COLLECT_ALL)
        return listcollect_add(collect, entry, value);
    if (collect->overlaps != LIST_OVERLAPS_LEVELS) {
        collect->differ = true;
        return ERR_OK;
    }
    if (value.n > 0 && known != NULL && *known != 0)
        number = (uint8_t)(*known - 1U);
    else if (value.n > 0)
        err = number_value(collect, value, &number);
    if (err < 0 || collect->differ)
        return err;
    if (value.n > 0 && known != NULL)
        *known = (uint16_t)(number + 1U);
    if (value.n == 0 || ip_cmp(&entry->range.first, &entry->range.last) != 0) {
        collect->differ = collect->plain_values != NULL && collect->plain_values->count > 1;
        return collect->differ ? ERR_OK : listcollect_add(collect, entry, value);
    }
    err = reserve_plain(collect, 1);
    if (err < 0)
        return err;
    if (collect->plain_number != NULL)
        collect->plain_number[collect->plain_count] = number;
    collect->plain[collect->plain_count++] = ip_v4(&entry->range.first);
    collect->listed++;
    return ERR_OK;
}

static enum err
read_chunk(struct list_collect *collect, struct slice record, struct listpack_reader *chunk)
{
    struct listfile_entry entry;
    struct slice value;
    struct numbers numbers;
    enum err err = listpack_open(chunk, record, collect->type);
    if (err == ERR_OK && chunk->plain && collect->mode == LIST_COLLECT_PLAIN)
        return add_plain_chunk(collect, chunk);
    if (err == ERR_OK)
        memset(numbers.of, 0, chunk->values * sizeof *numbers.of);
    while (
        err == ERR_OK && !collect->differ && (err = listpack_next(chunk, &entry, &value)) == ERR_OK)
        err = add_stored(collect, &entry, value, &numbers.of[chunk->number]);
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
    return err == ERR_OK ? add_stored(collect, &entry, value, NULL) : err;
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
        free(collect->plain_number);
        collect->plain_number = NULL;
        collect->listed = 0;
        err = read_all(collect, txn, source);
    }
    bool whole = collect->count + collect->plain_count == source->count;
    return err == ERR_OK && !whole ? ERR_FORMAT : err;
}

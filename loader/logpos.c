/* Positions in log files. See logpos.h. */
#include "loader/logpos.h"

#include <stdlib.h>
#include <string.h>

#include "loader/history_record.h"

/* Key: 'o' 'l' device inode. */
enum { KEY_SIZE = 18, VALUE_SIZE = 8 * 7 + 2 };

static struct slice
key_of(const struct logpos *pos, uint8_t room[KEY_SIZE])
{
    struct wire_out out = wire_out_of(room, KEY_SIZE);

    wire_put_u8(&out, HISTORY_POSITION);
    wire_put_u8(&out, 'l');
    history_put_u64(&out, pos->dev);
    history_put_u64(&out, pos->ino);
    return slice_of(room, out.n);
}

void
logpos_put(struct kv_txn *txn, const struct logpos *pos)
{
    uint8_t key[KEY_SIZE], room[VALUE_SIZE];
    struct wire_out out = wire_out_of(room, sizeof room);

    history_put_time(&out, pos->first_s);
    history_put_time(&out, pos->last_s);
    history_put_u64(&out, pos->source);
    history_put_u64(&out, pos->offset);
    history_put_u64(&out, pos->size);
    history_put_time(&out, pos->mtime_ns);
    wire_put_u16(&out, pos->head_len);
    history_put_u64(&out, pos->fingerprint);
    (void)kv_put(txn, key_of(pos, key), slice_of(room, out.n));
}

void
logpos_del(struct kv_txn *txn, const struct logpos *pos)
{
    uint8_t key[KEY_SIZE];

    (void)kv_del(txn, key_of(pos, key));
}

static enum err
decode(struct slice key, struct slice value, struct logpos *out)
{
    struct wire_in in = wire_in_of(key.p, key.n);

    wire_skip(&in, 2);
    out->dev = history_get_u64(&in);
    out->ino = history_get_u64(&in);
    bool bad = in.failed;
    in = wire_in_of(value.p, value.n);
    out->first_s = history_get_time(&in);
    out->last_s = history_get_time(&in);
    out->source = history_get_u64(&in);
    out->offset = history_get_u64(&in);
    out->size = history_get_u64(&in);
    out->mtime_ns = history_get_time(&in);
    out->head_len = wire_get_u16(&in);
    out->fingerprint = history_get_u64(&in);
    return bad || in.failed || out->head_len > LOGREAD_HEAD_MAX ? ERR_FORMAT : ERR_OK;
}

static enum err
append(struct logpos_list *list, const struct logpos *pos)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 64 : list->room * 2;
        struct logpos *items = realloc(list->items, room * sizeof *items);

        if (items == NULL)
            return ERR_NOMEM;
        list->items = items;
        list->room = room;
    }
    list->items[list->count++] = *pos;
    return ERR_OK;
}

enum err
logpos_load(struct kv_txn *txn, struct logpos_list *out)
{
    const uint8_t prefix[2] = {HISTORY_POSITION, 'l'};
    struct kv_cursor *cursor;
    struct slice key, value;
    enum err err = kv_cursor_open(txn, slice_of(prefix, sizeof prefix), &cursor);

    *out = (struct logpos_list){0};
    if (err < 0)
        return err;
    while ((err = kv_cursor_next(cursor, &key, &value)) == ERR_OK) {
        struct logpos pos;

        err = decode(key, value, &pos);
        if (err == ERR_OK)
            err = append(out, &pos);
        if (err < 0)
            break;
    }
    kv_cursor_close(&cursor);
    if (err == ERR_NOTFOUND)
        return ERR_OK;
    logpos_free(out);
    return err;
}

void
logpos_free(struct logpos_list *list)
{
    free(list->items);
    *list = (struct logpos_list){0};
}

static bool
same_head(const struct logpos *pos, const struct logfile *file)
{
    return pos->head_len > 0 && pos->head_len <= file->head_len &&
           logfile_fingerprint(file, pos->head_len) == pos->fingerprint;
}

void
logpos_resolve(
    const struct logpos_list *positions, const struct logfile *file, struct logpos_start *out)
{
    *out = (struct logpos_start){0};
    if (file->head_len == 0) {
        out->unchanged = true;
        return;
    }
    for (size_t i = 0; i < positions->count; i++) {
        const struct logpos *pos = &positions->items[i];
        bool own = pos->dev == file->dev && pos->ino == file->ino;

        if (!same_head(pos, file))
            continue; /* copytruncate, or the inode went to another file */
        if (own) {
            out->known = true;
            out->first_s = pos->first_s;
            out->offset = pos->offset;
            if (!file->compressed && file->size < pos->offset) {
                out->offset = 0; /* cut short, whatever stands there now */
                return;
            }
            /* A .gz is not read again to learn that it is as before. */
            out->unchanged = file->compressed
                                 ? file->size == pos->size && file->mtime_ns == pos->mtime_ns
                                 : file->size == pos->offset;
            return;
        }
        /* A copy, or the same lines compressed. */
        if (!own && pos->offset > out->offset)
            out->offset = pos->offset;
    }
    if (!file->compressed && out->offset > file->size)
        out->offset = file->size;
}

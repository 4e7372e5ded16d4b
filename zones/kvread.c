/* LMDB on the answer path; see kvread.h. Nothing allocated, nothing waited for. */
#include "kvread.h"

#include <string.h>

#include "kvread_internal.h"

static enum err
code_of(int rc)
{
    if (rc == 0)
        return ERR_OK;
    return rc == MDB_NOTFOUND ? ERR_NOTFOUND : ERR_FORMAT;
}

void
kvread_reset(struct kvread *reader)
{
    if (reader->held)
        mdb_txn_reset(reader->txn);
    reader->held = false;
}

static void
forget(struct kvread *reader)
{
    memset(reader->spots, 0, sizeof reader->spots);
    reader->epoch++;
}

enum err
kvread_renew(struct kvread *reader)
{
    kvread_reset(reader);
    int rc = mdb_txn_renew(reader->txn);
    if (rc == MDB_MAP_RESIZED) {
        forget(reader); /* the map may come to lie elsewhere */
        rc = mdb_env_set_mapsize(reader->env, 0);
        if (rc == 0)
            rc = mdb_txn_renew(reader->txn);
    }
    if (rc != 0)
        return ERR_IO;
    reader->held = true;
    /* What is remembered was in no snapshot's hands meanwhile; but as long as there is no later
     * transaction, none has freed a page of this one. */
    if (mdb_txn_id(reader->txn) != reader->spots_of)
        forget(reader);
    reader->spots_of = mdb_txn_id(reader->txn);
    return mdb_cursor_renew(reader->txn, reader->cursor) == 0 ? ERR_OK : ERR_IO;
}

uint64_t
kvread_epoch(const struct kvread *reader)
{
    return reader->epoch;
}

uint64_t
kvread_generation(const struct kvread *reader)
{
    return mdb_txn_id(reader->txn);
}

enum err
kvread_get(struct kvread *reader, struct slice key, struct slice *value)
{
    MDB_val k = {.mv_size = key.n, .mv_data = (void *)(uintptr_t)key.p}, v;
    int rc = mdb_get(reader->txn, reader->dbi, &k, &v);
    if (rc == 0)
        *value = slice_of(v.mv_data, v.mv_size);
    return code_of(rc);
}

static enum err
move(struct kvread *reader, MDB_cursor_op op, MDB_val k, struct slice *found, struct slice *value)
{
    MDB_val v;
    int rc = mdb_cursor_get(reader->cursor, &k, &v, op);
    if (rc == 0) {
        *found = slice_of(k.mv_data, k.mv_size);
        *value = slice_of(v.mv_data, v.mv_size);
    }
    return code_of(rc);
}

enum err
kvread_seek(struct kvread *reader, struct slice key, struct slice *found, struct slice *value)
{
    MDB_val k = {.mv_size = key.n, .mv_data = (void *)(uintptr_t)key.p};
    return move(reader, MDB_SET_RANGE, k, found, value);
}

enum err
kvread_next(struct kvread *reader, struct slice *found, struct slice *value)
{
    return move(reader, MDB_NEXT, (MDB_val){0}, found, value);
}

enum err
kvread_prev(struct kvread *reader, struct slice *found, struct slice *value)
{
    return move(reader, MDB_PREV, (MDB_val){0}, found, value);
}

bool
kvread_recall(const struct kvread *reader, uint32_t place, uint32_t owner, struct slice *found,
    struct slice *value)
{
    const struct kvread_spot *spot = &reader->spots[place % KVREAD_SPOTS];
    *found = slice_of(spot->key, spot->key_n);
    *value = slice_of(spot->value, spot->value_n);
    return spot->known && spot->owner == owner;
}

void
kvread_remember(
    struct kvread *reader, uint32_t place, uint32_t owner, struct slice found, struct slice value)
{
    if (found.n > UINT8_MAX || value.n > UINT16_MAX)
        return;
    reader->spots[place % KVREAD_SPOTS] = (struct kvread_spot){.key = found.p,
        .value = value.p,
        .owner = owner,
        .value_n = (uint16_t)value.n,
        .key_n = (uint8_t)found.n,
        .known = true};
}

enum err
kvread_get_often(
    struct kvread *reader, uint32_t place, uint32_t owner, struct slice key, struct slice *value)
{
    struct slice found;
    if (kvread_recall(reader, place, owner, &found, value) && slice_cmp(found, key) == 0)
        return ERR_OK;
    enum err err = kvread_seek(reader, key, &found, value);
    if (err == ERR_OK && slice_cmp(found, key) != 0)
        err = ERR_NOTFOUND;
    if (err == ERR_OK)
        kvread_remember(reader, place, owner, found, *value);
    return err;
}

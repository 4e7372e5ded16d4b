/* LMDB for the loader and tools; see kv.h. */
#include "kv.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kvenv.h"

/* Pages that a transaction takes at the end and frees again are never written, so a healthy file
 * could look cut short; it is made longer (sparse) by so many pages beforehand. */
enum { SPARE_PAGES = 64 };

struct kv {
    MDB_env *env;
    MDB_dbi dbi;
    char *path;
};

struct kv_txn {
    struct kv *kv;
    MDB_txn *txn;
    bool touched; /* something was put or deleted */
    bool within;  /* a key was put that is not past the last one: no more appending */
    int failed;   /* LMDB code of the first failed put or delete */
};

struct kv_cursor {
    MDB_cursor *cursor;
    bool seek; /* the next call starts at key */
    MDB_val key;
    size_t prefix_n, start_n;
    uint8_t prefix[KV_KEY_MAX], start[KV_KEY_MAX];
};

enum err
kv_open(const char *path, const struct kv_options *options, struct kv **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    char *copy = strdup(path);
    if (*out == NULL || copy == NULL) {
        free(copy);
        free(*out);
        *out = NULL;
        return errmsg_set(msg, ERR_NOMEM, "%s: open: out of memory", path);
    }
    (*out)->path = copy;
    const struct kvenv_options how = {.create = options->create && !options->read_only,
        .read_only = options->read_only,
        .map_size = options->map_size,
        .mode = options->mode};
    enum err err = kvenv_open(path, &how, &(*out)->env, &(*out)->dbi, msg);
    if (err < 0)
        kv_close(out);
    return err;
}

void
kv_close(struct kv **kv)
{
    if (*kv == NULL)
        return;
    if ((*kv)->env != NULL)
        mdb_env_close((*kv)->env);
    free((*kv)->path);
    free(*kv);
    *kv = NULL;
}

enum err
kv_copy(struct kv *kv, const char *path, struct errmsg *msg)
{
    int rc = mdb_env_copy2(kv->env, path, MDB_CP_COMPACT);
    if (rc == 0)
        return ERR_OK;
    if (rc != EEXIST)
        (void)unlink(path);
    return kvenv_fail(path, "copy", rc, msg);
}

static void
lengthen(struct kv *kv)
{
    mdb_filehandle_t fd;
    struct stat st;
    MDB_stat stat;
    if (mdb_env_stat(kv->env, &stat) != 0)
        return;
    uint64_t least = kvenv_least_size(kv->env) + (uint64_t)SPARE_PAGES * stat.ms_psize;
    if (mdb_env_get_fd(kv->env, &fd) == 0 && fstat(fd, &st) == 0 && (uint64_t)st.st_size < least)
        (void)!ftruncate(fd, (off_t)least);
}

enum err
kv_begin(struct kv *kv, bool write, struct kv_txn **out, struct errmsg *msg)
{
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return errmsg_set(msg, ERR_NOMEM, "%s: out of memory", kv->path);
    if (write) {
        /* A reader that was killed would keep its snapshot's pages for ever. */
        int dead;
        (void)mdb_reader_check(kv->env, &dead);
    }
    int rc = kvenv_begin(kv->env, write ? 0 : MDB_RDONLY, &(*out)->txn);
    if (rc != 0) {
        free(*out);
        *out = NULL;
        return kvenv_fail(kv->path, write ? "begin writing" : "begin reading", rc, msg);
    }
    (*out)->kv = kv;
    return ERR_OK;
}

enum err
kv_commit(struct kv_txn **txn, struct errmsg *msg)
{
    struct kv_txn *t = *txn;
    int rc = t->failed;
    if (rc != 0)
        mdb_txn_abort(t->txn);
    else
        rc = mdb_txn_commit(t->txn);
    /* A short write comes back as EIO: the disk is full, as LMDB writes whole pages. */
    struct kv *kv = t->kv;
    if (rc == 0 && t->touched)
        lengthen(kv);
    free(t);
    *txn = NULL;
    return rc == 0 ? ERR_OK : kvenv_fail(kv->path, "write", rc, msg);
}

void
kv_abort(struct kv_txn **txn)
{
    if (*txn == NULL)
        return;
    mdb_txn_abort((*txn)->txn);
    free(*txn);
    *txn = NULL;
}

static MDB_val
val_of(struct slice slice)
{
    /* LMDB never writes through a key or data pointer. */
    return (MDB_val){.mv_size = slice.n, .mv_data = (void *)(uintptr_t)slice.p};
}

enum err
kv_get(struct kv_txn *txn, struct slice key, struct slice *value)
{
    MDB_val k = val_of(key), v;
    int rc = mdb_get(txn->txn, txn->kv->dbi, &k, &v);
    if (rc != 0)
        return kvenv_code(rc);
    *value = slice_of(v.mv_data, v.mv_size);
    return ERR_OK;
}

/* Before the first change, so that a transaction that changes nothing leaves the file as it is. */
static void
touch(struct kv_txn *txn)
{
    if (!txn->touched)
        lengthen(txn->kv);
    txn->touched = true;
}

enum err
kv_put(struct kv_txn *txn, struct slice key, struct slice value)
{
    if (txn->failed != 0)
        return kvenv_code(txn->failed);
    touch(txn);
    MDB_val k = val_of(key), v = val_of(value);
    /* LMDB refuses to append a key that is not past the last, and has done nothing then. */
    int rc = txn->within ? MDB_KEYEXIST : mdb_put(txn->txn, txn->kv->dbi, &k, &v, MDB_APPEND);
    if (rc == MDB_KEYEXIST) {
        txn->within = true;
        rc = mdb_put(txn->txn, txn->kv->dbi, &k, &v, 0);
    }
    txn->failed = rc;
    return kvenv_code(txn->failed);
}

enum err
kv_del(struct kv_txn *txn, struct slice key)
{
    if (txn->failed != 0)
        return kvenv_code(txn->failed);
    touch(txn);
    MDB_val k = val_of(key);
    int rc = mdb_del(txn->txn, txn->kv->dbi, &k, NULL);
    txn->failed = rc == MDB_NOTFOUND ? 0 : rc;
    return kvenv_code(txn->failed);
}

enum err
kv_clear(struct kv_txn *txn)
{
    if (txn->failed != 0)
        return kvenv_code(txn->failed);
    touch(txn);
    txn->failed = mdb_drop(txn->txn, txn->kv->dbi, 0);
    return kvenv_code(txn->failed);
}

enum err
kv_cursor_open(struct kv_txn *txn, struct slice prefix, struct kv_cursor **out)
{
    if (prefix.n > KV_KEY_MAX)
        return ERR_RANGE;
    *out = calloc(1, sizeof **out);
    if (*out == NULL)
        return ERR_NOMEM;
    int rc = mdb_cursor_open(txn->txn, txn->kv->dbi, &(*out)->cursor);
    if (rc != 0) {
        free(*out);
        *out = NULL;
        return kvenv_code(rc);
    }
    (*out)->prefix_n = prefix.n;
    if (prefix.n != 0)
        memcpy((*out)->prefix, prefix.p, prefix.n);
    kv_cursor_seek(*out, prefix);
    return ERR_OK;
}

void
kv_cursor_close(struct kv_cursor **cursor)
{
    if (*cursor == NULL)
        return;
    mdb_cursor_close((*cursor)->cursor);
    free(*cursor);
    *cursor = NULL;
}

void
kv_cursor_seek(struct kv_cursor *cursor, struct slice key)
{
    cursor->start_n = key.n < KV_KEY_MAX ? key.n : KV_KEY_MAX;
    if (cursor->start_n != 0)
        memcpy(cursor->start, key.p, cursor->start_n);
    cursor->seek = true;
}

enum err
kv_cursor_next(struct kv_cursor *cursor, struct slice *key, struct slice *value)
{
    MDB_val k, v;
    int rc;
    if (cursor->seek && cursor->start_n == 0) {
        rc = mdb_cursor_get(cursor->cursor, &k, &v, MDB_FIRST);
    } else if (cursor->seek) {
        k = (MDB_val){.mv_size = cursor->start_n, .mv_data = cursor->start};
        rc = mdb_cursor_get(cursor->cursor, &k, &v, MDB_SET_RANGE);
    } else {
        rc = mdb_cursor_get(cursor->cursor, &k, &v, MDB_NEXT);
    }
    cursor->seek = false;
    if (rc != 0)
        return kvenv_code(rc);
    if (k.mv_size < cursor->prefix_n || memcmp(k.mv_data, cursor->prefix, cursor->prefix_n) != 0)
        return ERR_NOTFOUND;
    *key = slice_of(k.mv_data, k.mv_size);
    *value = slice_of(v.mv_data, v.mv_size);
    return ERR_OK;
}

uint64_t
kv_generation(const struct kv_txn *txn)
{
    return mdb_txn_id(txn->txn);
}

void
kv_stat(struct kv_txn *txn, struct kv_stat *out)
{
    MDB_stat stat = {0};
    MDB_envinfo info = {0};
    *out = (struct kv_stat){0};
    if (mdb_stat(txn->txn, txn->kv->dbi, &stat) != 0 || mdb_env_info(txn->kv->env, &info) != 0)
        return;
    out->entries = stat.ms_entries;
    out->used_bytes =
        ((uint64_t)stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) *
        stat.ms_psize;
    out->map_size = info.me_mapsize;
}

/*
 * LMDB for the loader: open, read and write transactions, and applying a difference.
 *
 * One unnamed database a file; every key begins with a table byte. Rules kept here: map size fixed
 * at creation (sparse), MAP_RESIZED followed, MAP_FULL and ENOSPC reported as ERR_FULL with what to
 * do, mdb_reader_check before each write transaction, neither WRITEMAP nor NOSYNC, the lock file
 * 0660, a file shorter than its last page refused at open (LMDB would map it and die later). Not
 * for the answer path: see kvread.h. One thread; never used across fork().
 */
#ifndef ZONES_KV_H
#define ZONES_KV_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "slice.h"

#define KV_KEY_MAX  511
#define KV_MAP_SIZE (UINT64_C(64) << 30) /* sparse; the file grows only with its pages */

struct kv;
struct kv_txn;

struct kv_options {
    bool create;       /* else a missing file is ERR_NOTFOUND */
    bool read_only;    /* no write transactions; the file must exist */
    uint64_t map_size; /* 0: KV_MAP_SIZE; counts at creation only */
    uint16_t mode;     /* of the data file; 0: 0640 */
};

/* Messages name the path and what to do. The path is that of the file, not of a folder. */
enum err kv_open(const char *path, const struct kv_options *options, struct kv **out,
    struct errmsg *msg) MUST_CHECK;
void kv_close(struct kv **kv);
/* Writes a new file, which must not be there yet: the store as it is now, without free pages. No
 * transaction of others is held up. On failure the file is gone again. */
enum err kv_copy(struct kv *kv, const char *path, struct errmsg *msg) MUST_CHECK;

/* At most one transaction of each sort at a time. */
enum err kv_begin(struct kv *kv, bool write, struct kv_txn **out, struct errmsg *msg) MUST_CHECK;
/* Ends the transaction whatever it returns; on failure nothing was written. After an earlier
 * failure of kv_put or kv_del in it, it aborts and returns that failure. */
enum err kv_commit(struct kv_txn **txn, struct errmsg *msg) MUST_CHECK;
void kv_abort(struct kv_txn **txn);

/* *value is borrowed until the next write in the transaction, or its end. */
enum err kv_get(struct kv_txn *txn, struct slice key, struct slice *value) MUST_CHECK;
/* Failures are sticky: kv_commit reports the first one, so that callers may ignore these. Keys put
 * in order past the last one of the store are appended, which fills its pages; the first other one
 * ends that for the transaction. */
enum err kv_put(struct kv_txn *txn, struct slice key, struct slice value);
enum err kv_del(struct kv_txn *txn, struct slice key); /* a missing key is no error */
enum err kv_clear(struct kv_txn *txn);                 /* deletes every record */

/* Cursor over all keys that begin with prefix, in order. Do not write to the transaction while one
 * is open. */
struct kv_cursor;
enum err kv_cursor_open(struct kv_txn *txn, struct slice prefix, struct kv_cursor **out) MUST_CHECK;
void kv_cursor_close(struct kv_cursor **cursor);
/* ERR_NOTFOUND past the last. Borrowed until the next call. */
enum err kv_cursor_next(
    struct kv_cursor *cursor, struct slice *key, struct slice *value) MUST_CHECK;
/* The next call of kv_cursor_next returns the first key >= key that has the prefix. */
void kv_cursor_seek(struct kv_cursor *cursor, struct slice key);

/* The id of the last committed transaction that this one sees: rises with every commit. */
uint64_t kv_generation(const struct kv_txn *txn);
/* For status: pages written since open are not known to LMDB, so this gives the file's. */
struct kv_stat {
    uint64_t entries;
    uint64_t used_bytes; /* pages in use times page size */
    uint64_t map_size;
};
void kv_stat(struct kv_txn *txn, struct kv_stat *out);

#endif

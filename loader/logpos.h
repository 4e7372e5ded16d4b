/*
 * How far each log file was read: records of HISTORY_POSITION, and the choice of where to go on in
 * a file that was renamed, truncated, copied or compressed since.
 */
#ifndef LOADER_LOGPOS_H
#define LOADER_LOGPOS_H

#include "loader/history.h"
#include "loader/logread.h"

struct logpos {
    uint64_t dev, ino;
    uint64_t source;         /* a hash of the pattern that found it */
    int64_t first_s, last_s; /* when it was first and last written: run times */
    uint64_t offset;         /* of the first byte not read */
    uint64_t size;           /* of the file, and its time, when it was looked at */
    int64_t mtime_ns;
    uint16_t head_len;
    uint64_t fingerprint; /* of head_len bytes */
};

struct logpos_list {
    struct logpos *items;
    size_t count, room;
};

enum err logpos_load(struct kv_txn *txn, struct logpos_list *out) MUST_CHECK;
void logpos_free(struct logpos_list *list);

/* Where reading goes on. */
struct logpos_start {
    uint64_t offset;
    bool unchanged;  /* nothing to read, and nothing to store */
    bool known;      /* the record is this file's own */
    int64_t first_s; /* of the own record */
};
/* Pure. positions: as they were before the run changed any. */
void logpos_resolve(
    const struct logpos_list *positions, const struct logfile *file, struct logpos_start *out);

void logpos_put(struct kv_txn *txn, const struct logpos *pos);
void logpos_del(struct kv_txn *txn, const struct logpos *pos);

#endif

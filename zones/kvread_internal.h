/* The reader's inside, for kvread.c and kvread_open.c alone. */
#ifndef ZONES_KVREAD_INTERNAL_H
#define ZONES_KVREAD_INTERNAL_H

#include <lmdb.h>
#include <stdbool.h>

#include "kvread.h"

/* A record, or none where key is NULL. */
struct kvread_spot {
    const void *key, *value;
    uint32_t owner;
    uint16_t value_n;
    uint8_t key_n;
    bool known;
};

struct kvread {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool held;
    size_t spots_of; /* the transaction that the spots are of */
    uint64_t epoch;  /* how often they were forgotten */
    struct kvread_spot spots[KVREAD_SPOTS];
};

#endif

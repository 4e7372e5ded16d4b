/* The reader's inside, for kvread.c and kvread_open.c alone. */
#ifndef ZONES_KVREAD_INTERNAL_H
#define ZONES_KVREAD_INTERNAL_H

#include <lmdb.h>
#include <stdbool.h>

#include "kvread.h"

/* A record; key is NULL where nothing is remembered. */
struct kvread_spot {
    const void *key, *value;
    uint32_t value_n;
    uint16_t key_n;
};

struct kvread {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool held;
    size_t spots_of; /* the transaction that the spots are of */
    struct kvread_spot spots[KVREAD_SPOTS];
};

#endif

/* The reader's inside, for kvread.c and kvread_open.c alone. */
#ifndef ZONES_KVREAD_INTERNAL_H
#define ZONES_KVREAD_INTERNAL_H

#include <lmdb.h>

struct kvread {
    MDB_env *env;
    MDB_dbi dbi;
    MDB_txn *txn;
    MDB_cursor *cursor;
    bool held;
};

#endif

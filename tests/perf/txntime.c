/*
 * Preloaded into a program that uses LMDB: how long it held each write transaction, from its begin
 * to the end of its commit, as lines "write transaction PATH SECONDS" on the descriptor 9.
 */
#include <dlfcn.h>
#include <lmdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

static double began;
static MDB_txn *held;

static double
now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
mdb_txn_begin(MDB_env *env, MDB_txn *parent, unsigned flags, MDB_txn **out)
{
    int (*next)(MDB_env *, MDB_txn *, unsigned, MDB_txn **);
    *(void **)&next = dlsym(RTLD_NEXT, "mdb_txn_begin");
    int rc = next(env, parent, flags, out);
    if (rc == 0 && (flags & MDB_RDONLY) == 0) {
        held = *out;
        began = now();
    }
    return rc;
}

int
mdb_txn_commit(MDB_txn *txn)
{
    int (*next)(MDB_txn *);
    const char *path = "";
    *(void **)&next = dlsym(RTLD_NEXT, "mdb_txn_commit");
    bool writes = txn == held;
    if (writes)
        (void)mdb_env_get_path(mdb_txn_env(txn), &path);
    int rc = next(txn);
    if (writes)
        (void)dprintf(9, "write transaction %s %.3f\n", path, now() - began);
    return rc;
}

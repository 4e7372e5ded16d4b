/*
 * What kv.c and kvread share: opening an LMDB environment with all checks, and LMDB's return codes
 * as errors with advice. Private to them; includes lmdb.h.
 */
#ifndef ZONES_KVENV_H
#define ZONES_KVENV_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct kvenv_options {
    bool create;
    bool read_only;
    uint64_t map_size;
    uint16_t mode;
};

/* Opens, then refuses a file that is cut short. *dbi is the unnamed database. */
enum err kvenv_open(const char *path, const struct kvenv_options *options, MDB_env **env,
    MDB_dbi *dbi, struct errmsg *msg) MUST_CHECK;

/* The code without a message. */
enum err kvenv_code(int rc) MUST_CHECK;
/* "path: doing: what; what to do". */
enum err kvenv_fail(const char *path, const char *doing, int rc, struct errmsg *msg) MUST_CHECK;

/* mdb_txn_begin that follows a map made larger by another process. */
int kvenv_begin(MDB_env *env, unsigned flags, MDB_txn **txn);

/* The least size that a file with this environment's pages has. */
uint64_t kvenv_least_size(MDB_env *env);

#endif

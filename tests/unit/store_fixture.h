/* For tests of the store's codecs: a store that a test writes, and a reader of it. */
#ifndef TESTS_UNIT_STORE_FIXTURE_H
#define TESTS_UNIT_STORE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "zones/kv.h"
#include "zones/kvread.h"
#include "zones/store.h"

struct fixture {
    char path[64], lock[80];
    struct kv *kv;
    struct kvread *reader;
    uint64_t seed;
};

static inline uint32_t
draw(struct fixture *f, uint32_t below)
{
    f->seed = f->seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
    return (uint32_t)(f->seed >> 33) % below;
}

static inline int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct errmsg msg;
    const struct kv_options options = {.create = true, .map_size = 1U << 30};
    (void)snprintf(f->path, sizeof f->path, "/tmp/repdns-test-%ld.mdb", (long)getpid());
    (void)snprintf(f->lock, sizeof f->lock, "%s-lock", f->path);
    (void)unlink(f->path);
    assert_int_equal(kv_open(f->path, &options, &f->kv, &msg), ERR_OK);
    f->seed = 42;
    *state = f;
    return 0;
}

static inline int
teardown(void **state)
{
    struct fixture *f = *state;
    kvread_close(&f->reader);
    kv_close(&f->kv);
    (void)unlink(f->path);
    (void)unlink(f->lock);
    free(f);
    return 0;
}

struct sink {
    struct kv_txn *txn;
    unsigned blocks;
    struct store_key last;
};

static inline enum err
emit(void *ctx, struct slice key, struct slice value)
{
    struct sink *sink = ctx;
    assert_true(slice_cmp(store_key_slice(&sink->last), key) < 0);
    sink->last.n = 0;
    store_key_add(&sink->last, key.p, key.n);
    sink->blocks++;
    return kv_put(sink->txn, key, value);
}

/* The process may hold one environment of a file at a time: the writer goes before the reader. */
static inline void
commit_and_read(struct fixture *f, struct sink *sink)
{
    assert_int_equal(kv_commit(&sink->txn, NULL), ERR_OK);
    kv_close(&f->kv);
    assert_int_equal(kvread_open(f->path, &f->reader, NULL), ERR_OK);
}

static inline void
begin(struct fixture *f, struct sink *sink)
{
    *sink = (struct sink){0};
    assert_int_equal(kv_begin(f->kv, true, &sink->txn, NULL), ERR_OK);
    /* A record on either side, so that a look-up past the end finds a stranger. */
    assert_int_equal(kv_put(sink->txn, slice_of("A\0\1", 3), slice_of("x", 1)), ERR_OK);
    assert_int_equal(kv_put(sink->txn, slice_of("Z", 1), slice_of("x", 1)), ERR_OK);
}

#endif

/* Applying changes to a store: few of them in place, many by writing it anew, both with the same
 * outcome; and that appending fills pages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/records.h"
#include "zones/be.h"

enum { KEYS = 4000, VALUE_MAX = 300 };

struct fixture {
    char path[64], lock[80];
    struct kv *kv;
    uint32_t seed;
    unsigned model[KEYS]; /* size of each key's value; 0: no such key */
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    (void)snprintf(f->path, sizeof f->path, "/tmp/repdns-records-%ld.mdb", (long)getpid());
    (void)snprintf(f->lock, sizeof f->lock, "%s-lock", f->path);
    (void)unlink(f->path);
    const struct kv_options options = {.create = true, .map_size = 1U << 30};
    assert_int_equal(kv_open(f->path, &options, &f->kv, NULL), ERR_OK);
    f->seed = 1;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    kv_close(&f->kv);
    (void)unlink(f->path);
    (void)unlink(f->lock);
    free(f);
    return 0;
}

static uint32_t
draw(struct fixture *f, uint32_t below)
{
    f->seed = f->seed * 1664525 + 1013904223;
    return (f->seed >> 8) % below;
}

static struct slice
key_of(unsigned i)
{
    static uint8_t key[5] = {'K'};
    (void)be_put(key + 1, i, 4);
    return slice_of(key, sizeof key);
}

static struct slice
value_of(unsigned size)
{
    static uint8_t bytes[VALUE_MAX];
    memset(bytes, (int)size % 256, size);
    return slice_of(bytes, size);
}

static void
change(struct fixture *f, struct records *changes, unsigned i, unsigned size)
{
    if (f->model[i] == size)
        return;
    f->model[i] = size;
    struct slice value = size == 0 ? slice_of(NULL, 0) : value_of(size);
    assert_int_equal(records_add(changes, key_of(i), value), ERR_OK);
}

static void
apply(struct fixture *f, struct records *changes, struct kv_txn *before)
{
    struct kv_txn *snapshot = NULL, *txn;
    records_sort(changes);
    if (before == NULL)
        assert_int_equal(kv_begin(f->kv, false, &snapshot, NULL), ERR_OK);
    assert_int_equal(kv_begin(f->kv, true, &txn, NULL), ERR_OK);
    assert_int_equal(records_apply(changes, before != NULL ? before : snapshot, txn), ERR_OK);
    assert_int_equal(kv_commit(&txn, NULL), ERR_OK);
    kv_abort(&snapshot);
    records_free(changes);
}

/* The store holds what the model says; returns its pages' bytes a byte of content. */
static double
check(struct fixture *f)
{
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct kv_stat stat;
    struct slice key, value;
    size_t content = 0;
    assert_int_equal(kv_begin(f->kv, false, &txn, NULL), ERR_OK);
    assert_int_equal(kv_cursor_open(txn, slice_of(NULL, 0), &cursor), ERR_OK);
    for (unsigned i = 0; i < KEYS; i++) {
        if (f->model[i] == 0)
            continue;
        assert_int_equal(kv_cursor_next(cursor, &key, &value), ERR_OK);
        assert_int_equal(slice_cmp(key, key_of(i)), 0);
        assert_int_equal(slice_cmp(value, value_of(f->model[i])), 0);
        content += 10 + key.n + value.n; /* 10: of LMDB */
    }
    assert_int_equal(kv_cursor_next(cursor, &key, &value), ERR_NOTFOUND);
    kv_cursor_close(&cursor);
    kv_stat(txn, &stat);
    kv_abort(&txn);
    return (double)stat.used_bytes / (double)content;
}

static void
few_and_many_changes(void **state)
{
    struct fixture *f = *state;
    for (unsigned round = 0; round < 60; round++) {
        struct records changes = {0};
        unsigned n = round % 3 == 0 ? KEYS : draw(f, 200);
        for (unsigned i = 0; i < n; i++) {
            /* A key has one change at most. */
            unsigned at = n == KEYS ? i : i * (KEYS / 200);
            change(f, &changes, at, draw(f, 4) == 0 ? 0 : 1 + draw(f, VALUE_MAX - 1));
        }
        apply(f, &changes, NULL);
        double used = check(f);
        if (n == KEYS)
            assert_true(used < 1.15);
    }
    struct records changes = {0};
    for (unsigned i = 0; i < KEYS; i++)
        change(f, &changes, i, 0);
    apply(f, &changes, NULL);
    (void)check(f);
}

/* Half of the keys between the others: written anew, the pages are full again. */
static void
keys_between_others(void **state)
{
    struct fixture *f = *state;
    struct records changes = {0};
    for (unsigned i = 0; i < KEYS; i += 2)
        change(f, &changes, i, 100);
    apply(f, &changes, NULL);
    assert_true(check(f) < 1.1);
    for (unsigned i = 1; i < KEYS; i += 2)
        change(f, &changes, i, 100);
    apply(f, &changes, NULL);
    assert_true(check(f) < 1.1);
}

/* What another one committed in the meantime is not undone. */
static void
an_older_snapshot(void **state)
{
    struct fixture *f = *state;
    struct records changes = {0};
    struct kv_txn *old;
    change(f, &changes, 1, 10);
    apply(f, &changes, NULL);
    assert_int_equal(kv_begin(f->kv, false, &old, NULL), ERR_OK);
    change(f, &changes, 2, 20);
    struct kv_txn *txn;
    assert_int_equal(kv_begin(f->kv, true, &txn, NULL), ERR_OK);
    assert_int_equal(kv_put(txn, key_of(2), value_of(20)), ERR_OK);
    assert_int_equal(kv_commit(&txn, NULL), ERR_OK);
    records_free(&changes);
    for (unsigned i = 3; i < KEYS; i++)
        change(f, &changes, i, 100);
    apply(f, &changes, old);
    kv_abort(&old);
    (void)check(f);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(few_and_many_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(keys_between_others, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_snapshot, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

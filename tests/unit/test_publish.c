/* Publishing: only what differs is written, ids are never reused, damaged stores are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/publish.h"

struct fixture {
    char dir[32], path[64];
    struct conf conf;
    struct zone_def zone;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/repdns-publish-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->path, sizeof f->path, "%s/answers.mdb", f->dir);
    f->conf.answers_path = f->path;
    f->conf.zones = &f->zone;
    f->conf.zone_count = 1;
    assert_int_equal(dname_parse("rep.example", 11, &f->zone.apex), ERR_OK);
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char lock[80];
    (void)snprintf(lock, sizeof lock, "%s-lock", f->path);
    (void)unlink(f->path);
    (void)unlink(lock);
    (void)rmdir(f->dir);
    free(f);
    return 0;
}

static const uint8_t value[] = {'R', 0, 0, 0, 1};

static struct publish_result
put(struct fixture *f, const char *name, uint32_t v4, int64_t now_s, bool beat)
{
    struct errmsg msg;
    struct publish_result result;
    struct ipset_entry entry = {{ip_from_v4(v4), ip_from_v4(v4)}, slice_of(value, sizeof value)};
    struct publish_set set = {.info = {.kind = DATASET_ADDR}, .addrs = &entry, .count = 1};
    strcpy(set.info.name, name);
    if (publish(&f->conf, &set, 1, now_s, beat, &result, &msg) < 0)
        fail_msg("%s", msg.text);
    return result;
}

static struct dataset
dataset(struct fixture *f, const char *name)
{
    struct kvread *reader;
    struct store_key key;
    struct slice found;
    struct dataset out;
    assert_int_equal(kvread_open(f->path, &reader, NULL), ERR_OK);
    store_key_dataset(&key, name);
    assert_int_equal(kvread_get(reader, store_key_slice(&key), &found), ERR_OK);
    assert_int_equal(dataset_decode(store_key_slice(&key), found, &out), ERR_OK);
    kvread_close(&reader);
    return out;
}

/* When the last run finished, by the store. */
static int64_t
beat(struct fixture *f)
{
    struct kvread *reader;
    struct store_key key;
    struct slice found;
    int64_t out;
    assert_int_equal(kvread_open(f->path, &reader, NULL), ERR_OK);
    store_key_beat(&key);
    assert_int_equal(kvread_get(reader, store_key_slice(&key), &found), ERR_OK);
    assert_int_equal(store_beat_decode(found, &out), ERR_OK);
    kvread_close(&reader);
    return out;
}

static uint64_t
file_hash(const char *path)
{
    uint64_t hash = 1469598103934665603U;
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    for (int c; (c = getc(file)) != EOF;)
        hash = (hash ^ (uint64_t)c) * 1099511628211U;
    (void)fclose(file);
    return hash;
}

static void
same_again_writes_nothing(void **state)
{
    struct fixture *f = *state;
    struct publish_result first = put(f, "a", 1, 1000, true);
    assert_true(first.changed);
    assert_int_equal(first.serial, 1000);
    uint64_t before = file_hash(f->path);
    struct publish_result second = put(f, "a", 1, 1000, true);
    assert_false(second.changed);
    assert_int_equal(second.records_put, 0);
    assert_true(file_hash(f->path) == before);
    /* Later, only the heartbeat. */
    struct publish_result third = put(f, "a", 1, 2000, true);
    assert_false(third.changed);
    assert_int_equal(third.records_put, 1);
    assert_int_equal(dataset(f, "a").serial, 1000);
    /* Time that went backwards changes nothing, a change goes past the last serial. */
    assert_int_equal(put(f, "a", 1, 500, true).records_put, 0);
    assert_int_equal(put(f, "a", 2, 500, false).serial, 1001);
}

/* A clock that was a month ahead for one run: verdicts have an end again after the next one. */
static void
a_run_in_the_future_is_undone(void **state)
{
    struct fixture *f = *state;
    (void)put(f, "a", 1, 1000 + 30 * 86400, true);
    assert_int_equal(beat(f), 1000 + 30 * 86400);
    struct publish_result later = put(f, "a", 1, 1000, true);
    assert_false(later.changed);
    assert_int_equal(beat(f), 1000);
    (void)put(f, "a", 1, 400, true);
    assert_int_equal(beat(f), 1000);
}

static void
ids_are_never_reused(void **state)
{
    struct fixture *f = *state;
    (void)put(f, "a", 1, 1000, true);
    uint16_t first = dataset(f, "a").id;
    assert_true(put(f, "b", 1, 1001, true).records_deleted >= 2);
    (void)put(f, "a", 1, 1002, true);
    assert_true(dataset(f, "a").id > first + 1);
}

static void
a_zone_change_raises_no_other_serial(void **state)
{
    struct fixture *f = *state;
    (void)put(f, "a", 1, 1000, true);
    f->zone.ttl_s = 77;
    struct publish_result result = put(f, "a", 1, 2000, false);
    assert_true(result.changed);
    assert_int_equal(dataset(f, "a").serial, 1000);
}

static void
kept_sets_stay(void **state)
{
    struct fixture *f = *state;
    struct publish_set set = {.keep = true};
    struct publish_result result;
    (void)put(f, "a", 1, 1000, true);
    strcpy(set.info.name, "a");
    assert_int_equal(publish(&f->conf, &set, 1, 5000, false, &result, NULL), ERR_OK);
    assert_false(result.changed);
    assert_int_equal(dataset(f, "a").entries, 1);
}

static void
expect_refusal(struct fixture *f, const char *what)
{
    struct errmsg msg = {""};
    struct kvread *reader;
    enum err err = kvread_open(f->path, &reader, &msg);
    assert_true(err < 0);
    if (strstr(msg.text, what) == NULL || strstr(msg.text, "; ") == NULL)
        fail_msg("%s", msg.text);
}

static void
damaged_files_are_refused(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    expect_refusal(f, "no such file");
    (void)put(f, "a", 1, 1000, true);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(truncate(f->path, 2 * 4096), 0);
    expect_refusal(f, "cut short");
    assert_int_equal(truncate(f->path, 0), 0);
    expect_refusal(f, "empty");
    FILE *file = fopen(f->path, "wb");
    assert_non_null(file);
    for (unsigned i = 0; i < 9000; i++)
        (void)putc('x', file);
    (void)fclose(file);
    expect_refusal(f, "no LMDB file");
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(mkdir(f->path, 0700), 0);
    expect_refusal(f, "a folder");
    assert_int_equal(rmdir(f->path), 0);
}

/* The store's own record of itself, put where another version would have it. */
static void
put_meta(struct fixture *f, struct slice meta)
{
    struct kv *kv;
    struct kv_txn *txn;
    struct store_key key;
    assert_int_equal(kv_open(f->path, &(struct kv_options){.create = true}, &kv, NULL), ERR_OK);
    assert_int_equal(kv_begin(kv, true, &txn, NULL), ERR_OK);
    store_key_meta(&key);
    assert_int_equal(kv_put(txn, store_key_slice(&key), meta), ERR_OK);
    assert_int_equal(kv_commit(&txn, NULL), ERR_OK);
    kv_close(&kv);
}

static void
another_format_is_refused(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg;
    struct publish_result result;
    const uint8_t meta[] = {0, 0, 0, 99};
    put_meta(f, slice_of(meta, sizeof meta));
    assert_int_equal(publish(&f->conf, NULL, 0, 1, true, &result, &msg), ERR_FORMAT);
    assert_non_null(strstr(msg.text, "format 99"));
}

static uint32_t
stored_format(struct fixture *f)
{
    struct kvread *reader;
    struct store_key key;
    struct slice found;
    struct store_meta meta;
    assert_int_equal(kvread_open(f->path, &reader, NULL), ERR_OK);
    store_key_meta(&key);
    assert_int_equal(kvread_get(reader, store_key_slice(&key), &found), ERR_OK);
    assert_int_equal(store_meta_decode(found, &meta), ERR_OK);
    kvread_close(&reader);
    return meta.format;
}

/* The serial goes on, and the store says the new format as soon as something of it is written. */
static void
the_format_before_is_written_on(void **state)
{
    struct fixture *f = *state;
    uint8_t bytes[STORE_META_SIZE];
    const struct store_meta meta = {
        .format = STORE_FORMAT_FIRST, .serial = 1000, .publishes = 1, .last_id = 1};
    (void)put(f, "a", 1, 1000, true);
    put_meta(f, slice_of(bytes, store_meta_encode(&meta, bytes)));
    assert_false(put(f, "a", 1, 1000, true).changed);
    assert_int_equal(stored_format(f), STORE_FORMAT_FIRST);
    assert_int_equal(put(f, "a", 2, 1000, true).serial, 1001);
    assert_int_equal(stored_format(f), STORE_FORMAT);
    assert_int_equal(dataset(f, "a").id, 1);
}

static void
serials_follow_rfc1982(void **state)
{
    (void)state;
    assert_int_equal(store_next_serial(0, 1780300000), 1780300000);
    assert_int_equal(store_next_serial(1780300000, 1780300000), 1780300001);
    assert_int_equal(store_next_serial(UINT32_MAX, 5), 5);
    assert_int_equal(store_next_serial(100, 50), 101);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_again_writes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_run_in_the_future_is_undone, setup, teardown),
        cmocka_unit_test_setup_teardown(ids_are_never_reused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_zone_change_raises_no_other_serial, setup, teardown),
        cmocka_unit_test_setup_teardown(kept_sets_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(damaged_files_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(another_format_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(the_format_before_is_written_on, setup, teardown),
        cmocka_unit_test(serials_follow_rfc1982),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

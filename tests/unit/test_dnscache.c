/* The DNS cache, alone and over a real history file: what is kept, for how long, and what a save
 * writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/dnscache.h"
#include "loader/history.h"

#define NOW  INT64_C(1700000000)
#define DAY  INT64_C(86400)
#define MANY 5000U

struct fixture {
    char path[64], lock[80];
    struct kv *kv;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct kv_options options = {.create = true, .map_size = 1U << 28};
    struct errmsg msg;
    (void)snprintf(f->path, sizeof f->path, "/tmp/repdns-dnscache-%ld.mdb", (long)getpid());
    (void)snprintf(f->lock, sizeof f->lock, "%s-lock", f->path);
    (void)unlink(f->path);
    assert_int_equal(kv_open(f->path, &options, &f->kv, &msg), ERR_OK);
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

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

static struct kv_txn *
begin(struct fixture *f, bool write)
{
    struct kv_txn *txn;
    assert_int_equal(kv_begin(f->kv, write, &txn, NULL), ERR_OK);
    return txn;
}

static struct dnscache *
cache_at(struct kv_txn *txn, int64_t now_s)
{
    struct dnscache *cache;
    assert_int_equal(dnscache_new(txn, now_s, &cache), ERR_OK);
    return cache;
}

static void
put_a(struct dnscache *cache, const char *text, uint8_t last, uint32_t ttl_s)
{
    const uint8_t records[] = {0, 4, 192, 0, 2, last};
    struct dname name = name_of(text);
    assert_int_equal(
        dnscache_put(cache, DNS_A, &name, DNS_OK, ttl_s, 1, slice_of(records, sizeof records)),
        ERR_OK);
}

static enum dns_status
status_of(struct dnscache *cache, enum dns_type type, const char *text)
{
    struct dname name = name_of(text);
    struct dns_answer answer;
    dnscache_lookup(cache, type, &name, &answer);
    return answer.status;
}

/* Saves in a transaction of its own; the number of records afterwards. */
static unsigned
save(struct fixture *f, struct dnscache *cache)
{
    const uint8_t table = HISTORY_DNS;
    struct kv_txn *txn = begin(f, true);
    struct kv_cursor *cursor;
    struct slice key, value;
    unsigned n = 0;
    assert_int_equal(dnscache_save(cache, txn), ERR_OK);
    assert_int_equal(kv_commit(&txn, NULL), ERR_OK);
    txn = begin(f, false);
    assert_int_equal(kv_cursor_open(txn, slice_of(&table, 1), &cursor), ERR_OK);
    while (kv_cursor_next(cursor, &key, &value) == ERR_OK)
        n++;
    kv_cursor_close(&cursor);
    kv_abort(&txn);
    return n;
}

static void
test_wanted(void **state)
{
    struct dnscache *cache = cache_at(NULL, NOW);
    struct dns_answer answer;
    struct dname name = name_of("Example.test"), other = {.len = 0};
    enum dns_type type;
    (void)state;

    dnscache_lookup(cache, DNS_A, &name, &answer);
    assert_int_equal(answer.status, DNS_PENDING);
    assert_int_equal(status_of(cache, DNS_A, "example.test"), DNS_PENDING);
    assert_int_equal(status_of(cache, DNS_MX, "example.test"), DNS_PENDING);
    assert_int_equal(dnscache_wanted(cache), 2);

    assert_true(dnscache_take_wanted(cache, &type, &other));
    assert_int_equal(type, DNS_A);
    assert_true(dname_equal(&name, &other));
    assert_true(dnscache_take_wanted(cache, &type, &other));
    assert_int_equal(type, DNS_MX);
    assert_false(dnscache_take_wanted(cache, &type, &other));
    /* In flight: still pending, but not wanted twice. */
    assert_int_equal(status_of(cache, DNS_A, "example.test"), DNS_PENDING);
    assert_int_equal(dnscache_wanted(cache), 0);

    put_a(cache, "example.test", 1, 60);
    dnscache_lookup(cache, DNS_A, &name, &answer);
    assert_int_equal(answer.status, DNS_OK);
    assert_int_equal(answer.expires_s, NOW + 60);
    assert_int_equal(status_of(cache, DNS_AAAA, "other.test"), DNS_PENDING);
    assert_int_equal(dnscache_wanted(cache), 1);

    other.len = 0;
    dnscache_lookup(cache, DNS_A, &other, &answer);
    assert_int_equal(answer.status, DNS_NXDOMAIN);
    dnscache_free(&cache);
    assert_null(cache);
}

static void
test_records(void **state)
{
    static const uint8_t two[] = {0, 2, 'a', 'b', 0, 0};
    struct dnscache *cache = cache_at(NULL, NOW);
    struct dname name = name_of("t.test");
    struct dns_answer answer;
    struct slice rdata;
    (void)state;

    assert_int_equal(
        dnscache_put(cache, DNS_TXT, &name, DNS_OK, 1, 2, slice_of(two, sizeof two)), ERR_OK);
    dnscache_lookup(cache, DNS_TXT, &name, &answer);
    assert_int_equal(answer.count, 2);
    assert_int_equal(dns_next(&answer, &rdata), ERR_OK);
    assert_int_equal(rdata.n, 2);
    assert_memory_equal(rdata.p, "ab", 2);
    assert_int_equal(dns_next(&answer, &rdata), ERR_OK);
    assert_int_equal(rdata.n, 0);
    assert_int_equal(dns_next(&answer, &rdata), ERR_NOTFOUND);

    /* Cut short, too few, too many, empty but OK. */
    assert_int_equal(
        dnscache_put(cache, DNS_TXT, &name, DNS_OK, 1, 2, slice_of(two, 5)), ERR_FORMAT);
    assert_int_equal(
        dnscache_put(cache, DNS_TXT, &name, DNS_OK, 1, 3, slice_of(two, sizeof two)), ERR_FORMAT);
    assert_int_equal(
        dnscache_put(cache, DNS_TXT, &name, DNS_OK, 1, 1, slice_of(two, sizeof two)), ERR_FORMAT);
    assert_int_equal(
        dnscache_put(cache, DNS_TXT, &name, DNS_OK, 1, 0, slice_of(NULL, 0)), ERR_RANGE);
    assert_int_equal(
        dnscache_put(cache, DNS_TXT, &name, DNS_PENDING, 1, 0, slice_of(NULL, 0)), ERR_RANGE);
    answer.records = slice_of(two, 3);
    assert_int_equal(dns_next(&answer, &rdata), ERR_FORMAT);
    assert_int_equal(dns_next(&answer, &rdata), ERR_NOTFOUND);
    dnscache_free(&cache);
}

/* Many names: the table grows, the answers borrowed before stay where they are. */
static void
test_many(void **state)
{
    struct dnscache *cache = cache_at(NULL, NOW);
    struct dname first = name_of("n0.test");
    struct dns_answer early, answer;
    struct slice rdata;
    char text[32];
    (void)state;

    put_a(cache, "n0.test", 0, 60);
    dnscache_lookup(cache, DNS_A, &first, &early);
    for (unsigned i = 1; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "n%u.test", i);
        put_a(cache, text, (uint8_t)i, 60);
    }
    put_a(cache, "n0.test", 99, 60);
    for (unsigned i = 1; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "n%u.test", i);
        struct dname name = name_of(text);
        dnscache_lookup(cache, DNS_A, &name, &answer);
        assert_int_equal(answer.status, DNS_OK);
        assert_int_equal(dns_next(&answer, &rdata), ERR_OK);
        assert_int_equal(((const uint8_t *)rdata.p)[3], (uint8_t)i);
    }
    assert_int_equal(dns_next(&early, &rdata), ERR_OK);
    assert_int_equal(((const uint8_t *)rdata.p)[3], 0);
    dnscache_free(&cache);
}

/* One run stores, the next reads: fresh, expired, and failing on top of expired. */
static void
test_reload(void **state)
{
    struct fixture *f = *state;
    struct dnscache *cache = cache_at(NULL, NOW);
    struct dname gone = name_of("gone.test"), a = name_of("a.test");
    struct dns_answer answer;
    struct slice rdata;

    assert_false(dnscache_dirty(cache));
    put_a(cache, "a.test", 7, 3600);
    assert_int_equal(
        dnscache_put(cache, DNS_MX, &gone, DNS_NXDOMAIN, 60, 0, slice_of(NULL, 0)), ERR_OK);
    assert_int_equal(dnscache_put(cache, DNS_A, &gone, DNS_FAIL, 0, 0, slice_of(NULL, 0)), ERR_OK);
    assert_true(dnscache_dirty(cache));
    assert_int_equal(save(f, cache), 2); /* not the failure */
    assert_false(dnscache_dirty(cache));
    dnscache_free(&cache);

    struct kv_txn *txn = begin(f, false);
    cache = cache_at(txn, NOW + 60);
    dnscache_lookup(cache, DNS_A, &a, &answer);
    assert_int_equal(answer.status, DNS_OK);
    assert_int_equal(answer.expires_s, NOW + 3600);
    assert_int_equal(dns_next(&answer, &rdata), ERR_OK);
    assert_int_equal(((const uint8_t *)rdata.p)[3], 7);
    assert_false(dnscache_stale(cache, DNS_A, &a, &answer));
    assert_int_equal(status_of(cache, DNS_A, "gone.test"), DNS_PENDING);

    /* Expires at this very second. */
    assert_int_equal(status_of(cache, DNS_MX, "gone.test"), DNS_PENDING);
    assert_true(dnscache_stale(cache, DNS_MX, &gone, &answer));
    assert_int_equal(answer.status, DNS_NXDOMAIN);
    assert_int_equal(answer.expires_s, NOW + 60);
    assert_int_equal(dnscache_wanted(cache), 2);
    assert_int_equal(dnscache_put(cache, DNS_MX, &gone, DNS_FAIL, 0, 0, slice_of(NULL, 0)), ERR_OK);
    assert_int_equal(status_of(cache, DNS_MX, "gone.test"), DNS_FAIL);
    assert_true(dnscache_stale(cache, DNS_MX, &gone, &answer));
    assert_false(dnscache_dirty(cache));
    assert_int_equal(
        dnscache_put(cache, DNS_MX, &gone, DNS_NODATA, 60, 0, slice_of(NULL, 0)), ERR_OK);
    assert_false(dnscache_stale(cache, DNS_MX, &gone, &answer));
    assert_true(dnscache_dirty(cache));
    dnscache_free(&cache);
    kv_abort(&txn);
}

static void
test_dirt(void **state)
{
    struct fixture *f = *state;
    struct dnscache *cache = cache_at(NULL, NOW);
    put_a(cache, "a.test", 1, 60);
    assert_int_equal(save(f, cache), 1);
    assert_int_equal(save(f, cache), 1);
    dnscache_free(&cache);

    struct kv_txn *txn = begin(f, false);
    cache = cache_at(txn, NOW);
    put_a(cache, "a.test", 1, 60); /* the same */
    assert_false(dnscache_dirty(cache));
    put_a(cache, "a.test", 2, 60);
    assert_true(dnscache_dirty(cache));
    put_a(cache, "a.test", 1, 60); /* and back */
    assert_false(dnscache_dirty(cache));
    put_a(cache, "a.test", 1, 61); /* only its time */
    assert_true(dnscache_dirty(cache));

    /* A save that has nothing to write leaves the database as it was. */
    uint64_t before = kv_generation(txn);
    assert_int_equal(save(f, cache), 1);
    dnscache_free(&cache);
    kv_abort(&txn);
    txn = begin(f, false);
    assert_int_equal(kv_generation(txn), before + 1);
    cache = cache_at(txn, NOW);
    assert_int_equal(status_of(cache, DNS_A, "a.test"), DNS_OK);
    assert_false(dnscache_dirty(cache));
    assert_int_equal(save(f, cache), 1);
    dnscache_free(&cache);
    kv_abort(&txn);
    txn = begin(f, false);
    assert_int_equal(kv_generation(txn), before + 1);
    kv_abort(&txn);
}

static void
test_old(void **state)
{
    struct fixture *f = *state;
    struct dnscache *cache = cache_at(NULL, NOW);
    put_a(cache, "old.test", 1, 60);
    put_a(cache, "renewed.test", 1, 60);
    put_a(cache, "young.test", 1, 60 + 3600);
    assert_int_equal(save(f, cache), 3);
    dnscache_free(&cache);

    struct kv_txn *txn = begin(f, false);
    cache = cache_at(txn, NOW + 60 + 30 * DAY);
    assert_true(dnscache_dirty(cache)); /* two are to go */
    assert_int_equal(status_of(cache, DNS_A, "renewed.test"), DNS_PENDING);
    put_a(cache, "renewed.test", 1, 60);
    assert_int_equal(save(f, cache), 2);
    dnscache_free(&cache);
    kv_abort(&txn);

    txn = begin(f, false);
    cache = cache_at(txn, NOW + 60 + 30 * DAY);
    assert_int_equal(status_of(cache, DNS_A, "renewed.test"), DNS_OK);
    struct dname name = name_of("young.test");
    struct dns_answer answer;
    assert_true(dnscache_stale(cache, DNS_A, &name, &answer));
    name = name_of("old.test");
    assert_false(dnscache_stale(cache, DNS_A, &name, &answer));
    assert_false(dnscache_dirty(cache));
    dnscache_free(&cache);
    kv_abort(&txn);
}

/* A record that is no record: asked again, and gone with the next save. */
static void
test_damaged(void **state)
{
    struct fixture *f = *state;
    static const uint8_t values[][13] = {{DNS_OK, 0, 0, 0, 0, 255, 255, 255, 255, 0, 1, 0, 9},
        {DNS_FAIL, 0, 0, 0, 0, 255, 255, 255, 255, 0, 0}, {9}};
    static const size_t sizes[] = {13, 11, 1};
    uint8_t key[3 + DNAME_KEY_MAX] = {HISTORY_DNS, 0, DNS_A};
    struct dname name = name_of("bad.test");
    size_t key_size = 3 + dname_key(&name, key + 3);

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct kv_txn *txn = begin(f, true);
        (void)kv_put(txn, slice_of(key, key_size), slice_of(values[i], sizes[i]));
        assert_int_equal(kv_commit(&txn, NULL), ERR_OK);
        txn = begin(f, false);
        struct dnscache *cache = cache_at(txn, NOW);
        struct dns_answer answer;
        assert_int_equal(status_of(cache, DNS_A, "bad.test"), DNS_PENDING);
        assert_false(dnscache_stale(cache, DNS_A, &name, &answer));
        assert_true(dnscache_dirty(cache));
        assert_int_equal(save(f, cache), 0);
        dnscache_free(&cache);
        kv_abort(&txn);
    }
}

static void
test_reverse(void **state)
{
    static const char *const cases[][2] = {{"192.0.2.1", "1.2.0.192.in-addr.arpa"},
        {"2001:db8::1",
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dname got, want = name_of(cases[i][1]);
        struct ip ip;
        assert_int_equal(ip_parse(cases[i][0], strlen(cases[i][0]), &ip), ERR_OK);
        dns_reverse_name(&ip, &got);
        assert_true(dname_equal(&got, &want));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wanted),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_many),
        cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dirt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test(test_reverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Publishing sender policies, run after run over a real store: limits, what is kept while DNS
 * fails, shared tables, and how many seeks a look-up takes.
 */
#include <dlfcn.h>
#include <lmdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/list_files.h"

#include "loader/previous.h"
#include "loader/spfpublish.h"

enum { DAY_S = 86400, KEEP_S = 2 * DAY_S };
#define DAY(n) (INT64_C(86400) * (n))
#define T0     DAY(20000)
#define NAME   DATASET_JUDGED_PAIR

/* LMDB's own entries: the program's come before those of the shared library, so that every read of
 * the store passes here and can be counted. */
static unsigned seeks;

int
mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
    int (*get)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *);
    *(void **)&get = dlsym(RTLD_NEXT, "mdb_get");
    seeks++;
    return get(txn, dbi, key, data);
}

int
mdb_cursor_get(MDB_cursor *cursor, MDB_val *key, MDB_val *data, MDB_cursor_op op)
{
    int (*get)(MDB_cursor *, MDB_val *, MDB_val *, MDB_cursor_op);
    *(void **)&get = dlsym(RTLD_NEXT, "mdb_cursor_get");
    seeks++;
    return get(cursor, key, data, op);
}

enum { TABLES = 2048, MANY = 400 };

struct fixture {
    char dir[40], store[64];
    struct conf conf;
    uint8_t *tables[TABLES]; /* made for the runs */
    size_t table_count;
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    strcpy(f->dir, "/tmp/repdns-spfpublish-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    (void)snprintf(f->store, sizeof f->store, "%s/answers.mdb", f->dir);
    f->conf.answers_path = f->store;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    list_remove_folder(f->dir);
    for (size_t i = 0; i < f->table_count; i++)
        free(f->tables[i]);
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

/* A policy of a run: one IPv4 address passes, the rest of both families has one result. */
struct want {
    const char *domain; /* NULL: none more */
    uint32_t pass;
    enum spfresult rest;
};
/* A dynamic pair of a run. */
struct want_pair {
    const char *domain; /* NULL: none more */
    uint32_t ip;
    enum reason reason; /* REASON_SPF_NONE: DNS failed for it, the one it has is kept */
};

static struct slice
table_of(struct fixture *f, enum ip_family family, const struct want *want)
{
    const struct spftable_span spans[] = {
        {.start = family == IP_V4 ? ip_from_v4(0) : (struct ip){{0}}, .result = want->rest},
        {.start = ip_from_v4(want->pass), .result = SPFRESULT_PASS},
        {.start = ip_from_v4(want->pass + 1), .result = want->rest}};
    size_t n;
    assert_true(f->table_count < TABLES);
    uint8_t **out = &f->tables[f->table_count++];
    assert_int_equal(
        spftable_build(family, spans, family == IP_V4 ? 3 : 1, NULL, 0, out, &n), ERR_OK);
    return slice_of(*out, n);
}

static void
add_policies(struct fixture *f, struct spfpublish *out, const struct want *wants)
{
    for (; wants->domain != NULL; wants++) {
        const struct spfpolicy policy = {.ready = true,
            .temperror = wants->rest == SPFRESULT_UNKNOWN,
            .dynamic = wants->rest == SPFRESULT_DYNAMIC,
            .tables = {table_of(f, IP_V4, wants), table_of(f, IP_V6, wants)}};
        struct dname domain = name_of(wants->domain);
        assert_int_equal(spfpublish_policy(out, &domain, &policy), ERR_OK);
    }
}

static void
add_pairs(struct spfpublish *out, const struct want_pair *pairs)
{
    for (; pairs != NULL && pairs->domain != NULL; pairs++) {
        struct dname domain = name_of(pairs->domain);
        struct ip ip = ip_from_v4(pairs->ip);
        enum err err = pairs->reason == REASON_SPF_NONE
                           ? spfpublish_keep_pair(out, &domain, &ip)
                           : spfpublish_pair(out, &domain, &ip, pairs->reason);
        assert_int_equal(err, ERR_OK);
    }
}

/* A run: collects with what is served beside it, closes that, and publishes. */
static struct publish_result
run(struct fixture *f, int64_t now_s, uint32_t keep_s, const struct want *wants,
    const struct want_pair *pairs)
{
    struct kvread *previous = NULL;
    struct spfpublish *collected;
    struct publish_set set = {.info = {.name = NAME, .kind = DATASET_PAIR}};
    struct publish_result result;
    struct errmsg msg = {""};
    enum err err = kvread_open(f->store, &previous, &msg);
    assert_true(err == ERR_OK || err == ERR_NOTFOUND);
    assert_int_equal(spfpublish_new(previous, NAME, keep_s, now_s, &collected), ERR_OK);
    add_pairs(collected, pairs); /* a domain's policy may come later */
    add_policies(f, collected, wants);
    kvread_close(&previous);
    assert_int_equal(spfpublish_finish(collected, &set), ERR_OK);
    if (publish(&f->conf, &set, 1, now_s, true, &result, &msg) < 0)
        fail_msg("%s", msg.text);
    spfpublish_free(&collected);
    assert_null(collected);
    return result;
}

static struct kvread *
open_store(struct fixture *f, uint16_t *dataset)
{
    struct kvread *reader;
    struct errmsg msg;
    struct dataset info;
    if (kvread_open(f->store, &reader, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_int_equal(previous_dataset(reader, NAME, &info), ERR_OK);
    *dataset = info.id;
    return reader;
}

/* What a server has for the pair at this time: "none", "below", "domain dynamic", "pass", "seen
 * fail" ... */
static const char *
served(struct fixture *f, const char *domain, struct ip ip, int64_t now_s, char out[64])
{
    static const char *const matches[] = {
        [PAIRSET_NONE] = "none", [PAIRSET_BELOW] = "below", [PAIRSET_DOMAIN] = "domain "};
    uint16_t dataset;
    struct kvread *reader = open_store(f, &dataset);
    struct dname name = name_of(domain);
    struct pairset_hit hit;
    assert_int_equal(pairset_lookup(reader, dataset, &ip, &name, now_s, &hit), ERR_OK);
    kvread_close(&reader);
    bool named = hit.match == PAIRSET_DOMAIN || hit.match == PAIRSET_FOUND;
    (void)snprintf(out, 64, "%s%s%s", hit.match == PAIRSET_FOUND ? "" : matches[hit.match],
        hit.seen ? "seen " : "", named ? spfresult_name(hit.result) : "");
    return out;
}

static void
expect(struct fixture *f, const char *domain, uint32_t ip, int64_t now_s, const char *wanted)
{
    char text[64];
    assert_string_equal(served(f, domain, ip_from_v4(ip), now_s, text), wanted);
}

/* Of a domain that is there. */
static struct pairset_value
value_of(struct fixture *f, const char *domain)
{
    uint16_t dataset;
    struct kvread *reader = open_store(f, &dataset);
    struct dname name = name_of(domain);
    struct nameset_hit hit;
    struct pairset_value value;
    assert_int_equal(nameset_lookup(reader, dataset, &name, &hit), ERR_OK);
    assert_int_equal(hit.match, NAMESET_EXACT);
    assert_int_equal(pairset_value_decode(hit.value, &value), ERR_OK);
    kvread_close(&reader);
    return value;
}

static bool
same_value(const struct pairset_value *a, const struct pairset_value *b)
{
    return a->limit_day == b->limit_day && memcmp(a->tables, b->tables, sizeof a->tables) == 0;
}

static unsigned
count_records(struct fixture *f, enum store_table table)
{
    uint16_t dataset;
    struct kvread *reader = open_store(f, &dataset);
    struct store_key key;
    struct slice found, value;
    unsigned count = 0;
    store_key_init(&key, table, dataset, 0);
    enum err err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    for (; err == ERR_OK; err = kvread_next(reader, &found, &value))
        count += ((const uint8_t *)found.p)[0] == (uint8_t)table;
    kvread_close(&reader);
    return count;
}

static enum err
count_pair(void *ctx, const struct pairset_entry *entry)
{
    (void)entry;
    ++*(unsigned *)ctx;
    return ERR_OK;
}

/* Dynamic pairs in the store. */
static unsigned
count_pairs(struct fixture *f)
{
    uint16_t dataset;
    struct kvread *reader = open_store(f, &dataset);
    struct store_key key;
    struct slice found, value;
    unsigned count = 0;
    store_key_init(&key, STORE_PAIR, dataset, 0);
    enum err err = kvread_seek(reader, store_key_slice(&key), &found, &value);
    for (; err == ERR_OK; err = kvread_next(reader, &found, &value))
        if (((const uint8_t *)found.p)[0] == STORE_PAIR)
            assert_int_equal(pairset_record_each(found, value, count_pair, &count), ERR_OK);
    kvread_close(&reader);
    return count;
}

static void
limits_are_whole_days(void **state)
{
    /* Each run's time, keep and wanted limit day, one after another. */
    static const struct {
        int64_t now_s;
        uint32_t keep_s;
        uint16_t day;
    } runs[] = {
        {T0, KEEP_S, 20003},             /* keep and a half, exactly a day's beginning */
        {T0, KEEP_S, 20003},             /* nothing changes */
        {DAY(20001), KEEP_S, 20003},     /* still keep away */
        {DAY(20001) + 1, KEEP_S, 20005}, /* no more: renewed, rounded up */
        {DAY(20003), KEEP_S, 20005}, {DAY(20003) + 1, KEEP_S, 20007},
        {DAY(20003) + 2, 0, 0}, /* no limit, and the one it has goes */
        {DAY(20003) + 3, 0, 0}, {DAY(20003) + 4, KEEP_S, 20007}, /* "no limit" is none that stays */
        {DAY(20020), KEEP_S, 20023},                             /* it had passed meanwhile */
        {DAY(20020), 10 * DAY_S, 20035},                         /* a longer keep */
    };
    static const struct want wants[] = {{"a.example", 5, SPFRESULT_FAIL}, {0}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        (void)run(f, runs[i].now_s, runs[i].keep_s, wants, NULL);
        if (value_of(f, "a.example").limit_day != runs[i].day)
            fail_msg("run %zu: %u", i, value_of(f, "a.example").limit_day);
        expect(f, "a.example", 5, runs[i].now_s, "pass");
    }
    expect(f, "a.example", 5, DAY(20035) - 1, "pass");
    expect(f, "a.example", 5, DAY(20035), "domain temperror");
}

static void
failing_dns_keeps_the_table(void **state)
{
    static const struct want good[] = {{"a.example", 5, SPFRESULT_FAIL}, {0}},
                             failing[] = {{"a.example", 6, SPFRESULT_UNKNOWN}, {0}};
    struct fixture *f = *state;
    (void)run(f, T0, KEEP_S, good, NULL);
    struct pairset_value before = value_of(f, "a.example");
    assert_int_equal(before.limit_day, 20003);
    const int64_t times[] = {T0 + 60, DAY(20001) + 1, DAY(20002), DAY(20003) - 1};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct publish_result result = run(f, times[i], KEEP_S, failing, NULL);
        assert_false(result.changed);
        assert_int_equal(result.records_put, 1); /* the heartbeat */
        struct pairset_value now = value_of(f, "a.example");
        assert_true(same_value(&now, &before));
        expect(f, "a.example", 5, times[i], "pass");
        expect(f, "a.example", 6, times[i], "fail");
    }
    /* Without another run the server stops by itself. */
    expect(f, "a.example", 5, DAY(20003), "domain temperror");
    /* With one, what is known takes its place, and a limit of its own. */
    assert_true(run(f, DAY(20003), KEEP_S, failing, NULL).changed);
    assert_int_equal(value_of(f, "a.example").limit_day, 20006);
    expect(f, "a.example", 6, DAY(20003), "pass");
    expect(f, "a.example", 5, DAY(20003), "domain temperror");
    /* And comes back. */
    (void)run(f, DAY(20004), KEEP_S, good, NULL);
    expect(f, "a.example", 5, DAY(20004), "pass");
    expect(f, "a.example", 6, DAY(20004), "fail");
}

static void
failing_dns_at_first_sight(void **state)
{
    static const struct want failing[] = {{"a.example", 6, SPFRESULT_UNKNOWN}, {0}},
                             good[] = {{"a.example", 5, SPFRESULT_FAIL}, {0}};
    struct fixture *f = *state;
    (void)run(f, T0, KEEP_S, failing, NULL);
    expect(f, "a.example", 6, T0, "pass");
    expect(f, "a.example", 5, T0, "domain temperror");
    /* A table without a limit is kept without one. */
    (void)run(f, T0, 0, good, NULL);
    (void)run(f, DAY(29000), 0, failing, NULL);
    expect(f, "a.example", 5, DAY(29000), "pass");
    assert_int_equal(value_of(f, "a.example").limit_day, 0);
}

static void
failing_dns_keeps_dynamic_pairs(void **state)
{
    static const struct want dynamic[] = {{"a.example", 5, SPFRESULT_DYNAMIC}, {0}},
                             failing[] = {{"a.example", 5, SPFRESULT_UNKNOWN}, {0}};
    static const struct want_pair seen[] = {{"a.example", 7, REASON_SPF_FAIL},
        {"a.example", 8, REASON_SPF_SOFTFAIL}, {"a.example", 9, REASON_SPF_PASS}, {0}};
    /* 8 is gone; 9 is known anew; 5 is no dynamic pair, 6 was never seen, b has no policy. */
    static const struct want_pair unknown[] = {{"a.example", 5, REASON_SPF_NONE},
        {"a.example", 6, REASON_SPF_NONE}, {"a.example", 7, REASON_SPF_NONE},
        {"a.example", 9, REASON_SPF_NEUTRAL}, {"b.example", 7, REASON_SPF_NONE}, {0}};
    struct fixture *f = *state;
    (void)run(f, T0, KEEP_S, dynamic, seen);
    expect(f, "a.example", 5, T0, "pass");
    expect(f, "a.example", 7, T0, "seen fail");
    expect(f, "a.example", 8, T0, "seen softfail");
    for (unsigned i = 0; i < 3; i++) { /* the policy too has failed, or only the pairs' own names */
        (void)run(f, T0 + i, KEEP_S, i == 1 ? failing : dynamic, unknown);
        expect(f, "a.example", 5, T0, "pass");
        expect(f, "a.example", 6, T0, "domain dynamic");
        expect(f, "a.example", 7, T0, "seen fail");
        expect(f, "a.example", 8, T0, "domain dynamic");
        expect(f, "a.example", 9, T0, "seen neutral");
        expect(f, "b.example", 7, T0, "none");
        assert_int_equal(count_pairs(f), 2);
    }
    /* Not past the domain's limit. */
    (void)run(f, DAY(20003), KEEP_S, dynamic, unknown);
    expect(f, "a.example", 7, DAY(20003), "domain dynamic");
    expect(f, "a.example", 9, DAY(20003), "seen neutral");
}

static void
pairs_given_twice_are_one(void **state)
{
    static const struct want wants[] = {{"b.example", 5, SPFRESULT_DYNAMIC},
        {"a.example", 5, SPFRESULT_DYNAMIC}, {"x.a.example", 5, SPFRESULT_DYNAMIC}, {0}};
    static const struct want_pair pairs[] = {{"x.a.example", 8, REASON_SPF_FAIL},
        {"a.example", 8, REASON_SPF_FAIL}, {"b.example", 8, REASON_SPF_FAIL},
        {"a.example", 7, REASON_SPF_FAIL}, {"a.example", 8, REASON_SPF_FAIL},
        {"b.example", 8, REASON_SPF_FAIL}, {"a.example", 8, REASON_SPF_FAIL}, {0}};
    struct fixture *f = *state;
    (void)run(f, T0, KEEP_S, wants, pairs);
    assert_int_equal(count_records(f, STORE_PAIR), 3);
    assert_int_equal(count_pairs(f), 4);
}

static void
domains_that_vanish_are_deleted(void **state)
{
    static const struct want all[] = {{"shared.example", 5, SPFRESULT_FAIL},
        {"alone.example", 6, SPFRESULT_SOFTFAIL}, {"also.example", 5, SPFRESULT_FAIL}, {0}};
    struct fixture *f = *state;
    (void)run(f, T0, KEEP_S, all, NULL);
    struct pairset_value shared = value_of(f, "shared.example");
    struct pairset_value also = value_of(f, "also.example");
    assert_true(same_value(&shared, &also));
    assert_int_equal(count_records(f, STORE_POLICY), 4);
    /* Without one of those that share, the table stays; without both it goes. */
    struct publish_result result = run(f, T0, KEEP_S, all + 1, NULL);
    assert_int_equal(result.records_deleted, 0);
    assert_int_equal(count_records(f, STORE_POLICY), 4);
    expect(f, "shared.example", 5, T0, "none");
    expect(f, "also.example", 5, T0, "pass");
    result = run(f, T0, KEEP_S, all + 2, NULL);
    assert_int_equal(result.records_deleted, 2);
    assert_int_equal(count_records(f, STORE_POLICY), 2);
    expect(f, "alone.example", 6, T0, "none");
    expect(f, "also.example", 5, T0, "pass");
    result = run(f, T0, KEEP_S, all + 3, NULL);
    assert_int_equal(result.records_deleted, 3); /* two tables and the block of names */
    assert_int_equal(count_records(f, STORE_POLICY), 0);
    assert_int_equal(count_records(f, STORE_NAME), 0);
    expect(f, "also.example", 5, T0, "none");
}

static void
table_ids_do_not_change(void **state)
{
    static char names[200][16];
    struct want many[201] = {{"a.example", 5, SPFRESULT_FAIL}};
    const struct want one[] = {many[0], {0}};
    static const enum spfresult rests[] = {
        SPFRESULT_NEUTRAL, SPFRESULT_FAIL, SPFRESULT_SOFTFAIL, SPFRESULT_PERMERROR};
    const unsigned different = sizeof rests / sizeof *rests;
    struct fixture *f = *state;
    for (unsigned i = 1; i < 200; i++) {
        (void)snprintf(names[i], sizeof names[i], "d%u.example", i);
        many[i] = (struct want){names[i], 5 + i, rests[i % different]};
    }
    (void)run(f, T0, KEEP_S, one, NULL);
    struct pairset_value before = value_of(f, "a.example");
    (void)run(f, T0, KEEP_S, many, NULL);
    assert_int_equal(count_records(f, STORE_POLICY), 200 + different);
    struct pairset_value now = value_of(f, "a.example"), other = value_of(f, "d77.example");
    assert_true(same_value(&now, &before));
    many[100] = (struct want){0}; /* half of them go */
    struct publish_result result = run(f, T0, KEEP_S, many, NULL);
    assert_true(result.records_deleted >= 100);
    now = value_of(f, "a.example");
    assert_true(same_value(&now, &before));
    now = value_of(f, "d77.example");
    assert_true(same_value(&now, &other));
    /* One changes: its own table, and the block of names that has its id. */
    many[77].pass = 1000;
    result = run(f, T0, KEEP_S, many, NULL);
    assert_int_equal(result.records_deleted, 1);
    now = value_of(f, "d77.example");
    assert_true(now.tables[PAIRSET_V4] != other.tables[PAIRSET_V4]);
    assert_int_equal(now.tables[PAIRSET_V6], other.tables[PAIRSET_V6]);
}

static void
the_same_again_writes_nothing(void **state)
{
    static const struct want wants[] = {{"a.example", 5, SPFRESULT_FAIL},
        {"b.example", 6, SPFRESULT_DYNAMIC}, {"c.example", 7, SPFRESULT_UNKNOWN},
        {"d.example", 5, SPFRESULT_FAIL}, {0}};
    static const struct want other_order[] = {{"d.example", 5, SPFRESULT_FAIL},
        {"c.example", 7, SPFRESULT_UNKNOWN}, {"b.example", 6, SPFRESULT_DYNAMIC},
        {"a.example", 5, SPFRESULT_FAIL}, {0}};
    static const struct want_pair seen[] = {
        {"b.example", 8, REASON_SPF_FAIL}, {"b.example", 7, REASON_SPF_PASS}, {0}};
    static const struct want_pair again[] = {
        {"b.example", 7, REASON_SPF_PASS}, {"b.example", 8, REASON_SPF_NONE}, {0}};
    struct fixture *f = *state;
    assert_true(run(f, T0, KEEP_S, wants, seen).changed);
    for (unsigned i = 0; i < 2; i++) {
        struct publish_result result =
            run(f, T0, KEEP_S, i == 0 ? wants : other_order, i == 0 ? seen : again);
        assert_false(result.changed);
        assert_int_equal(result.records_put, 0);
        assert_int_equal(result.records_deleted, 0);
    }
    /* Later, while limits are far, the heartbeat alone. */
    struct publish_result result = run(f, DAY(20001), KEEP_S, other_order, again);
    assert_false(result.changed);
    assert_int_equal(result.records_put, 1);
    assert_int_equal(result.records_deleted, 0);
}

/* A store without the dataset, or with one of another kind under its name, says nothing. */
static void
no_previous_dataset(void **state)
{
    static const struct want failing[] = {{"a.example", 6, SPFRESULT_UNKNOWN}, {0}};
    static const struct want_pair unknown[] = {{"a.example", 5, REASON_SPF_NONE}, {0}};
    const uint8_t bytes[] = {'R', 0, 0, 0, 1};
    const struct nameset_entry entry = {
        .name = name_of("a.example"), .exact = {NAMESET_SLOT_VALUE, slice_of(bytes, sizeof bytes)}};
    static const char *const names[] = {"other", NAME};
    struct fixture *f = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct publish_set set = {.info = {.kind = DATASET_NAME}, .names = &entry, .count = 1};
        struct publish_result result;
        struct errmsg msg;
        strcpy(set.info.name, names[i]);
        assert_int_equal(publish(&f->conf, &set, 1, T0, true, &result, &msg), ERR_OK);
        (void)run(f, T0, KEEP_S, failing, unknown);
        expect(f, "a.example", 6, T0, "pass");
        expect(f, "a.example", 5, T0, "domain temperror");
    }
}

/* Of a reader that remembers nothing. One that was asked before knows the domain's place and its
 * policy's. */
static unsigned
seeks_of(struct fixture *f, const struct ip *ip, const struct dname *name, int64_t now_s,
    struct pairset_hit *hit)
{
    uint16_t dataset;
    struct kvread *reader = open_store(f, &dataset);
    seeks = 0;
    assert_int_equal(pairset_lookup(reader, dataset, ip, name, now_s, hit), ERR_OK);
    unsigned first = seeks;
    seeks = 0;
    assert_int_equal(pairset_lookup(reader, dataset, ip, name, now_s, hit), ERR_OK);
    if (hit->match == PAIRSET_FOUND)
        assert_int_equal(seeks, hit->seen ? 1 : 0);
    kvread_close(&reader);
    return first;
}

static void
a_look_up_is_few_seeks(void **state)
{
    static char names[MANY][16];
    static struct want many[MANY + 3] = {
        {"plain.example", 5, SPFRESULT_FAIL}, {"dynamic.example", 5, SPFRESULT_DYNAMIC}};
    static const struct want_pair seen[] = {{"dynamic.example", 7, REASON_SPF_FAIL}, {0}};
    static const struct {
        const char *domain;
        uint32_t ip;
        int64_t now_s;
        const char *result;
        unsigned most;
    } cases[] = {{"plain.example", 5, T0, "pass", 2}, {"plain.example", 6, T0, "fail", 2},
        {"d222.example", 6, T0, "softfail", 2}, {"dynamic.example", 5, T0, "pass", 2},
        {"dynamic.example", 7, T0, "seen fail", 3}, {"dynamic.example", 8, T0, "domain dynamic", 3},
        {"plain.example", 5, DAY(20003), "domain temperror", 1},
        {"absent.example", 5, T0, "none", 1}, {"example", 5, T0, "below", 1},
        {"zz", 5, T0, "none", 1}};
    struct fixture *f = *state;
    for (unsigned i = 0; i < MANY; i++) { /* enough for several blocks of names */
        (void)snprintf(names[i], sizeof names[i], "d%u.example", i);
        many[i + 2] = (struct want){names[i], 5, SPFRESULT_SOFTFAIL};
    }
    (void)run(f, T0, KEEP_S, many, seen);
    assert_true(count_records(f, STORE_NAME) > 1);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect(f, cases[i].domain, cases[i].ip, cases[i].now_s, cases[i].result);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dname name = name_of(cases[i].domain);
        struct pairset_hit hit;
        const struct ip ips[] = {ip_from_v4(cases[i].ip), {{0x20, 1}}};
        for (unsigned k = 0; k < 2; k++) {
            unsigned n = seeks_of(f, &ips[k], &name, cases[i].now_s, &hit);
            unsigned most = hit.result == SPFRESULT_DYNAMIC ? 3 : cases[i].most;
            assert_true(n > 0);
            if (n > most)
                fail_msg("%s %u: %u seeks, %u wanted", cases[i].domain, cases[i].ip, n, most);
        }
        assert_int_equal(seeks_of(f, NULL, &name, cases[i].now_s, &hit), 1);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(limits_are_whole_days, setup, teardown),
        cmocka_unit_test_setup_teardown(failing_dns_keeps_the_table, setup, teardown),
        cmocka_unit_test_setup_teardown(failing_dns_at_first_sight, setup, teardown),
        cmocka_unit_test_setup_teardown(failing_dns_keeps_dynamic_pairs, setup, teardown),
        cmocka_unit_test_setup_teardown(pairs_given_twice_are_one, setup, teardown),
        cmocka_unit_test_setup_teardown(domains_that_vanish_are_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(table_ids_do_not_change, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_again_writes_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(no_previous_dataset, setup, teardown),
        cmocka_unit_test_setup_teardown(a_look_up_is_few_seeks, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

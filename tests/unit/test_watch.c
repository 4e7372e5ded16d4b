/*
 * The loader that stays: what a round imports, publishes and leaves alone, the stamp of what is
 * published, and what is told of a list. Processes and signals are in tests/e2e/rbldnsd.sh.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/listcount.h"
#include "loader/listedit.h"
#include "loader/lists.h"
#include "loader/liststamp.h"
#include "loader/watch.h"
#include "zones/kvread.h"

enum { PATH_SIZE = 300 };

struct fixture {
    char dir[64], one[PATH_SIZE], two[PATH_SIZE], conf_path[PATH_SIZE];
    struct conf *conf;
};

static void
write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
}

/* Other files than before have another time, however fast we are. */
static void
write_list(const char *path, const char *text, time_t when)
{
    const struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
    write_text(path, text);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
load_conf(struct fixture *f, const char *options)
{
    char text[2048];
    struct errmsg msg;
    (void)snprintf(text, sizeof text,
        "base = \"rep.example\"\nstate_dir = \"%s\"\nown_networks = {\"127.0.0.0/8\"}\n"
        "list one { type = ip4set files = {\"%s\"} %s }\n"
        "list two { type = dnset files = {\"%s\"} }\n"
        "zone \"z.example\" { kind = list datasets = {\"one\", \"two\"} }\n",
        f->dir, f->one, options, f->two);
    write_text(f->conf_path, text);
    conf_free(&f->conf);
    if (conf_load(f->conf_path, &f->conf, &msg) < 0)
        fail_msg("%s", msg.text);
}

static int
set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    strcpy(f->dir, "/tmp/repdns-watch.XXXXXX");
    if (f == NULL || mkdtemp(f->dir) == NULL)
        return -1;
    (void)snprintf(f->one, sizeof f->one, "%s/one", f->dir);
    (void)snprintf(f->two, sizeof f->two, "%s/two", f->dir);
    (void)snprintf(f->conf_path, sizeof f->conf_path, "%s/conf", f->dir);
    write_list(f->one, "192.0.2.1\n", 1000);
    write_list(f->two, "foo.example\n", 1000);
    load_conf(f, "");
    *state = f;
    return 0;
}

static int
tear_down(void **state)
{
    static const char *const names[] = {"answers.mdb", "answers.mdb-lock", "history.mdb",
        "history.mdb-lock", "lists.mdb", "lists.mdb-lock", "lists.stamp", "lock", "one", "two",
        "conf"};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[PATH_SIZE];
        (void)snprintf(path, sizeof path, "%s/%s", f->dir, names[i]);
        (void)unlink(path);
    }
    int rc = rmdir(f->dir);
    conf_free(&f->conf);
    free(f);
    return rc;
}

static enum exit_code
do_round(const struct fixture *f, bool whole)
{
    struct errmsg msg = {""};
    const struct watch_round round = {.conf = f->conf, .force = true, .whole = whole};
    return watch_round(&round, &msg);
}

/* The serial of a dataset's last change; 0: it is not there. */
static uint32_t
serial_of(const struct fixture *f, const char *name)
{
    struct kvread *reader;
    struct store_key key;
    struct slice value;
    struct dataset dataset = {.serial = 0};
    if (kvread_open(f->conf->answers_path, &reader, NULL) < 0)
        return 0;
    store_key_dataset(&key, name);
    if (kvread_get(reader, store_key_slice(&key), &value) == ERR_OK)
        assert_int_equal(dataset_decode(store_key_slice(&key), value, &dataset), ERR_OK);
    kvread_close(&reader);
    return dataset.serial;
}

/* Whether the stamp says that what is published came from the files that are there. */
static bool
is_fresh(const struct fixture *f)
{
    struct list_stamp now, published;
    assert_int_equal(liststamp_now(f->conf, "", &now, NULL), ERR_OK);
    assert_int_equal(liststamp_load(f->conf, "", &published, NULL), ERR_OK);
    bool fresh = liststamp_equal(&now, &published);
    liststamp_free(&now);
    liststamp_free(&published);
    return fresh;
}

static void
test_rounds(void **state)
{
    struct fixture *f = *state;
    assert_false(is_fresh(f));
    assert_int_equal(do_round(f, true), EXIT_DONE);
    assert_true(is_fresh(f));
    uint32_t one = serial_of(f, "one"), two = serial_of(f, "two");
    assert_int_not_equal(one, 0);
    assert_int_not_equal(two, 0);
    /* Nothing is new: nothing happens. */
    assert_int_equal(do_round(f, false), EXIT_DONE);
    assert_int_equal(serial_of(f, "one"), one);
    /* One list is: the other one stays. */
    write_list(f->one, "192.0.2.1\n192.0.2.2\n", 2000);
    assert_false(is_fresh(f));
    assert_int_equal(do_round(f, false), EXIT_DONE);
    assert_true(is_fresh(f));
    assert_true(serial_of(f, "one") > one);
    assert_int_equal(serial_of(f, "two"), two);
    /* Touched, but with the same entries. */
    one = serial_of(f, "one");
    write_list(f->one, "192.0.2.1\n192.0.2.2\n", 3000);
    assert_int_equal(do_round(f, false), EXIT_DONE);
    assert_true(is_fresh(f));
    assert_int_equal(serial_of(f, "one"), one);
}

static void
test_failures(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(unlink(f->two), 0);
    /* At the start everything must be there. */
    assert_int_equal(do_round(f, true), EXIT_FAILED);
    assert_int_equal(serial_of(f, "one"), 0);
    /* Later, or if that is not asked for, what is there is served. */
    assert_int_equal(do_round(f, false), EXIT_FAILED);
    assert_int_not_equal(serial_of(f, "one"), 0);
    assert_int_equal(serial_of(f, "two"), 0);
    assert_false(is_fresh(f));
    write_list(f->two, "foo.example\n", 1000);
    assert_int_equal(do_round(f, false), EXIT_DONE);
    assert_true(is_fresh(f));
    uint32_t two = serial_of(f, "two");
    /* A file that has gone leaves its entries. */
    assert_int_equal(unlink(f->two), 0);
    assert_int_equal(do_round(f, false), EXIT_FAILED);
    assert_int_equal(serial_of(f, "two"), two);
    assert_false(is_fresh(f));
    write_list(f->two, "foo.example\n", 1000);
    assert_int_equal(do_round(f, false), EXIT_DONE);
}

/* A store that somebody removed is made again. */
static void
test_lost_store(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(do_round(f, true), EXIT_DONE);
    assert_int_equal(unlink(f->conf->answers_path), 0);
    assert_int_equal(do_round(f, false), EXIT_DONE);
    assert_int_not_equal(serial_of(f, "one"), 0);
    assert_int_not_equal(serial_of(f, "two"), 0);
}

static void
test_configuration(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(do_round(f, true), EXIT_DONE);
    uint32_t one = serial_of(f, "one");
    write_list(f->one, "192.0.2.1\n192.0.2.7/24\n", 2000);
    assert_int_equal(do_round(f, true), EXIT_DONE);
    assert_int_equal(serial_of(f, "one"), one);
    /* What decides how the same file is read is part of the stamp. */
    load_conf(f, "host_bits = yes");
    assert_false(is_fresh(f));
    assert_int_equal(do_round(f, true), EXIT_DONE);
    assert_true(is_fresh(f));
    assert_true(serial_of(f, "one") > one);
}

/* An edit whose time is over goes with the next round, though no file has changed. */
static void
test_expired_edit(void **state)
{
    struct fixture *f = *state;
    struct list_layer layer = {0};
    struct list_edit edit = {.kind = LIST_EDIT_ADD, .type = LIST_IP4SET, .added_s = 1};
    struct errmsg msg;
    assert_int_equal(do_round(f, true), EXIT_DONE);
    uint32_t one = serial_of(f, "one");
    edit.expires_s = (int64_t)time(NULL) - 10;
    edit.entry.range = (struct range){ip_from_v4(0xc0000209), ip_from_v4(0xc0000209)};
    assert_int_equal(listlayer_put(&layer, &edit), ERR_OK);
    assert_int_equal(listedit_write(f->conf, "one", &layer, &msg), ERR_OK);
    listlayer_free(&layer);
    assert_int_equal(do_round(f, false), EXIT_DONE);
    assert_int_equal(listedit_read(f->conf, "one", &layer, &msg), ERR_OK);
    assert_int_equal(layer.count, 0);
    listlayer_free(&layer);
    assert_int_equal(serial_of(f, "one"), one);
}

static void
test_damaged_stamp(void **state)
{
    static const char *const texts[] = {"", "\n", "repdns lists 1 0\n", "one 0000000000000000\n"};
    struct fixture *f = *state;
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof path, "%s/lists.stamp", f->dir);
    assert_int_equal(do_round(f, true), EXIT_DONE);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        write_text(path, texts[i]);
        assert_false(is_fresh(f));
        assert_int_equal(do_round(f, true), EXIT_DONE);
        assert_true(is_fresh(f));
    }
}

/* Files are found below a root, and called as they are called in it. */
static void
test_root(void **state)
{
    struct fixture *f = *state;
    struct list_stamp here, there, nowhere;
    char root[80];
    assert_int_equal(liststamp_now(f->conf, "", &here, NULL), ERR_OK);
    assert_int_equal(liststamp_now(f->conf, "/proc/self/root", &there, NULL), ERR_OK);
    (void)snprintf(root, sizeof root, "%s/none", f->dir);
    assert_int_equal(liststamp_now(f->conf, root, &nowhere, NULL), ERR_OK);
    assert_true(liststamp_equal(&here, &there));
    assert_false(liststamp_equal(&here, &nowhere));
    assert_int_equal(nowhere.files[0], 0);
    liststamp_free(&here);
    liststamp_free(&there);
    liststamp_free(&nowhere);
}

static void
import_one(struct fixture *f, const char *type, const char *text, struct list_stats *stats)
{
    struct list_source source = f->conf->lists[0];
    struct errmsg msg;
    bool changed;
    static time_t when = 10000;
    write_list(f->one, text, ++when);
    assert_true(list_type_find(type, &source.type));
    if (lists_import(f->conf, &source, 1780272000, &changed, stats, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_true(changed);
}

static void
test_counts(void **state)
{
    static const struct {
        const char *type, *text, *counts;
    } cases[] = {{"ip4set", "10.0.0.1\n10.0.1/24\n10.1/16\n!11/8\n", "e32/24/16/8=1/1/1/1"},
        {"ip4set", "10/7\n", "e32/24/16/8=0/0/0/2"},
        {"ip4set", "10.0.0.255-10.0.2.0\n", "e32/24/16/8=2/1/0/0"},
        {"ip4set", "10.0.0.10-10.0.0.19\n", "e32/24/16/8=10/0/0/0"},
        {"ip4set", "9.255.255.255-12.1.1.0\n", "e32/24/16/8=2/1/1/2"},
        {"ip4set", "0/1\n128/1\n", "e32/24/16/8=0/0/0/256"},
        {"ip4tset", "10.0.0.1\n10.0.0.2\n", "cnt=2"}, {"ip4trie", "0/0\n10/8\n", "ents=2"},
        {"ip6trie", "::/0\n2001:db8::/32\n", "ents=2"},
        {"dnset", "a.example\n.b.example\n*.c.example\n", "e/w=2/2"}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list_stats stats;
        enum list_type type;
        char text[128];
        import_one(f, cases[i].type, cases[i].text, &stats);
        assert_true(list_type_find(cases[i].type, &type));
        listcount_format(&stats.counts, type, text, sizeof text);
        if (strcmp(text, cases[i].counts) != 0)
            fail_msg("%s \"%s\": %s", cases[i].type, cases[i].text, text);
    }
}

static void
test_duplicates(void **state)
{
    static const struct {
        const char *type, *text, *warnings[2];
        unsigned count;
    } cases[] = {
        {"ip4trie", "10.0.0/24\n10.0.0.0/24 other\n10/8\n10/9\n!10/8\n",
            {":2: duplicated entry for 10.0.0.0/24;", ":5: duplicated entry for 10.0.0.0/8;"}, 2},
        {"ip4trie", "0/0\n10.0.0.1\n10.0.0.1/32\n", {":3: duplicated entry for 10.0.0.1/32;", NULL},
            1},
        {"ip6trie", "2001:db8::/32\n2001:db8::/33\n2001:db8/32\n",
            {":3: duplicated entry for 2001:db8::/32;", NULL}, 1},
        {"ip4tset", "10.0.0.1\n10.0.0.1\n", {NULL, NULL}, 0},
        {"ip4set", "10.0.0.1\n10.0.0.1\n", {NULL, NULL}, 0}};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct list_stats stats;
        import_one(f, cases[i].type, cases[i].text, &stats);
        assert_int_equal(stats.warnings, cases[i].count);
        for (unsigned k = 0; k < cases[i].count; k++) {
            const char *text = k == 0 ? stats.first_warning : stats.more_warnings[k - 1];
            if (strstr(text, cases[i].warnings[k]) == NULL)
                fail_msg("\"%s\" instead of \"%s\"", text, cases[i].warnings[k]);
        }
    }
}

/* Many entries, so that the table grows; five warnings are kept, all are counted. */
static void
test_many_duplicates(void **state)
{
    struct fixture *f = *state;
    struct list_stats stats;
    size_t room = 200000, n = 0;
    char *text = malloc(room);
    assert_non_null(text);
    for (unsigned i = 0; i < 8000; i++)
        n += (size_t)snprintf(text + n, room - n, "10.%u.%u.%u\n", i % 7, i % 20, i % 64);
    import_one(f, "ip4trie", text, &stats);
    bool *seen = calloc(7 * 20 * 64, sizeof *seen);
    unsigned want = 0;
    assert_non_null(seen);
    for (unsigned i = 0; i < 8000; i++) {
        bool *at = &seen[(i % 7 * 20 + i % 20) * 64 + i % 64];
        want += *at;
        *at = true;
    }
    assert_true(want > 5);
    assert_int_equal(stats.warnings, want);
    assert_int_equal(stats.counts.of[0], 8000);
    assert_non_null(
        strstr(stats.more_warnings[LIST_WARNINGS_MORE - 1], "duplicated entry for 10."));
    free(seen);
    free(text);
}

/* Prefixes with bits past their length, and TTLs out of bounds. */
static void
test_list_options(void **state)
{
    static const char text[] = "$TTL 10\n192.0.2.7/24\n2001:db8::1/32\n10.1.2.3/8 :5:text\n";
    struct fixture *f = *state;
    struct list_stats stats;
    struct list_set *set;
    struct errmsg msg;
    load_conf(f, "");
    import_one(f, "ip4set", text, &stats);
    assert_int_equal(stats.entries, 0);
    load_conf(f, "host_bits = yes min_ttl = 5m max_ttl = 1h");
    import_one(f, "ip4set", text, &stats);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(lists_flatten(f->conf, &f->conf->lists[0], &set, &msg), ERR_OK);
    const struct publish_set *flat = lists_set(set);
    assert_int_equal(flat->info.ttl_s, 300);
    assert_int_equal(flat->count, 2);
    const struct ipset_entry first = publish_range(flat, 0), second = publish_range(flat, 1);
    assert_int_equal(ip_v4(&first.range.first), 0x0a000000);
    assert_int_equal(ip_v4(&first.range.last), 0x0affffff);
    assert_int_equal(ip_v4(&second.range.first), 0xc0000200);
    lists_free(&set);
    import_one(f, "ip4set", "$TTL 0\n192.0.2.1\n", &stats);
    assert_int_equal(lists_flatten(f->conf, &f->conf->lists[0], &set, &msg), ERR_OK);
    assert_int_equal(lists_set(set)->info.ttl_s, 0);
    lists_free(&set);
    import_one(f, "ip4set", "$TTL 1d\n192.0.2.1\n", &stats);
    assert_int_equal(lists_flatten(f->conf, &f->conf->lists[0], &set, &msg), ERR_OK);
    assert_int_equal(lists_set(set)->info.ttl_s, 3600);
    lists_free(&set);
    write_list(f->one, "2001:db8::1/32\n", 5);
    struct list_source six = f->conf->lists[0];
    bool changed;
    six.type = LIST_IP6TRIE;
    assert_int_equal(lists_import(f->conf, &six, 1, &changed, &stats, &msg), ERR_OK);
    assert_int_equal(stats.entries, 1);
    assert_int_equal(stats.warnings, 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_rounds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_failures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_lost_store, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_configuration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expired_edit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_damaged_stamp, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_root, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_duplicates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_many_duplicates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list_options, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

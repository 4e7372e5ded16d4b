/* Keys and their quotas: the file of keys, charging by several workers, and counts that are kept.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/quota.h"

#define NOW INT64_C(1780300000)

static enum err
keys_of(const char *text, struct keyring *out, struct errmsg *msg)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
    enum err err = keys_parse(file, "k", out, msg);
    (void)fclose(file);
    return err;
}

static void
files(void **state)
{
    static const char good[] =
        "# id key state\n\n"
        "zoe   zoe-has-this-key  on  10 100000  Zoe Ltd., # until May\n"
        "a_b-1\tabcdefghijkl\toff\t0\t0\n"
        "max   0123456789-012345678901234567890123456789012345678901234567890a"
        " on 1000000 1000000000000";
    struct keyring ring;
    struct errmsg msg;
    (void)state;
    assert_int_equal(keys_of(good, &ring, &msg), ERR_OK);
    assert_int_equal(ring.count, 3);
    const struct key *key = keys_find(&ring, (const uint8_t *)"zoe-has-this-key", 16);
    assert_non_null(key);
    assert_string_equal(key->id, "zoe");
    assert_true(key->on);
    assert_int_equal(key->per_second, 10);
    assert_int_equal(key->per_day, 100000);
    key = keys_find(&ring, (const uint8_t *)"abcdefghijkl", 12);
    assert_non_null(key);
    assert_false(key->on);
    assert_null(keys_find(&ring, (const uint8_t *)"abcdefghijk", 11));
    assert_null(keys_find(&ring, (const uint8_t *)"abcdefghijklm", 13));
    assert_null(keys_find(&ring, (const uint8_t *)"", 0));
    keys_free(&ring);
    assert_null(keys_find(&ring, (const uint8_t *)"abcdefghijkl", 12));
}

/* Errors name the line and show no key. */
static void
bad_files(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a secret-of-mine on 1\n", "k:1: too few fields"},
        {"\n#\na # secret-of-mine\n", "k:3: too few fields"},
        {"secret.of.mine secret-of-mine on 1 1\n", "k:1: the first field is no id"},
        {"secret-of-mine-that-is-an-id-too-long secret-of-mine on 1 1\n", "k:1: the first field"},
        {"a secret-of-M on 1 1\n", "k:1: the second field is no key"},
        {"a secret-of-me on 1 1\nb secret.of.me on 1 1\n", "k:2: the second field is no key"},
        {"a secret-of on 1 1\n", "k:1: the second field is no key; use 12 to 63"},
        {"a secret-of-mine secret-of-mine 1 1\n", "k:1: the third field"},
        {"a secret-of-mine on secret-of-mine 1\n", "k:1: the fourth field"},
        {"a secret-of-mine on 1000001 1\n", "k:1: the fourth field"},
        {"a secret-of-mine on -1 1\n", "k:1: the fourth field"},
        {"a secret-of-mine on 1 1000000000001\n", "k:1: the fifth field"},
        {"a secret-of-mine on 1 99999999999999999999999\n", "k:1: the fifth field"},
        {"a secret-of-mine on 1 1\nb secret-of-yours on 1 1\na secret-of-hers on 1 1\n",
            "k:3: the id is that of line 1"},
        {"a secret-of-mine on 1 1\nb secret-of-mine on 1 1\n", "k:2: the key is that of line 1"},
    };
    char longest[700];
    struct keyring ring;
    struct errmsg msg;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(keys_of(cases[i].text, &ring, &msg) < 0);
        if (strncmp(msg.text, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("\"%s\" instead of \"%s\"", msg.text, cases[i].message);
        assert_null(strstr(msg.text, "secret"));
        assert_int_equal(ring.count, 0);
    }
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_true(keys_of(longest, &ring, &msg) < 0);
    assert_string_equal(msg.text, "k:1: a line of more than 510 bytes");
}

struct world {
    struct quota_table table;
    struct keyring ring;
};

static void
open_world(struct world *world, const char *keys)
{
    struct errmsg msg;
    assert_int_equal(quota_table_map(&world->table, &msg), ERR_OK);
    assert_int_equal(keys_of(keys, &world->ring, &msg), ERR_OK);
    assert_int_equal(quota_table_adopt(&world->table, &world->ring, &msg), ERR_OK);
}

static void
close_world(struct world *world)
{
    keys_free(&world->ring);
    quota_table_unmap(&world->table);
}

static unsigned
charge(struct world *world, unsigned count, int64_t now_s, struct quota_share *share)
{
    const struct key *key = &world->ring.keys[0];
    unsigned answered = 0;
    for (unsigned i = 0; i < count; i++)
        answered += quota_charge(key, &world->table.slots[key->slot], share, now_s) == KEY_ANSWERED;
    return answered;
}

static void
one_worker(void **state)
{
    static const struct {
        const char *key;
        unsigned second, day;
    } cases[] = {{"a abcdefghijkl on 0 0", 5000, 40000}, {"a abcdefghijkl on 1 0", 1, 8},
        {"a abcdefghijkl on 100 250", 100, 250}, {"a abcdefghijkl on 0 1", 1, 1},
        {"a abcdefghijkl on 0 7777", 5000, 7777}, {"a abcdefghijkl on 999 100000", 999, 7992}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world world;
        struct quota_share share = {{0, 0}, {0, 0}};
        open_world(&world, cases[i].key);
        unsigned sum = charge(&world, 5000, NOW, &share);
        assert_int_equal(sum, cases[i].second);
        for (int64_t second = 1; second < 8; second++)
            sum += charge(&world, 5000, NOW + second, &share);
        assert_int_equal(sum, cases[i].day);
        const _Atomic uint64_t *counts = world.table.slots[0].counts;
        assert_int_equal(counts[KEY_ANSWERED], sum);
        assert_int_equal(
            counts[KEY_ANSWERED] + counts[KEY_OVER_SECOND] + counts[KEY_OVER_DAY], 40000);
        /* The next day; and a clock that goes back gives nothing twice. */
        assert_int_equal(charge(&world, 5000, NOW + 86400, &share), cases[i].second);
        close_world(&world);
    }
}

/* Never over the quota, and short of it by less than a chunk of each other worker. */
static void
several_workers(void **state)
{
    enum { WORKERS = 4, QUOTA = 10000, CHUNK = QUOTA / 64 };
    struct world world;
    (void)state;
    open_world(&world, "a abcdefghijkl on 0 10000");
    for (unsigned i = 0; i < WORKERS; i++)
        if (fork() == 0) {
            struct quota_share share = {{0, 0}, {0, 0}};
            (void)charge(&world, QUOTA, NOW, &share);
            _exit(0);
        }
    for (unsigned i = 0; i < WORKERS; i++)
        (void)wait(NULL);
    assert_int_equal(world.table.slots[0].counts[KEY_ANSWERED], QUOTA);
    assert_int_equal(quota_day_used(&world.table.slots[0], NOW), QUOTA);
    /* A worker that asks little keeps what it took. */
    struct quota_share idle = {{0, 0}, {0, 0}}, busy = idle;
    unsigned sum = charge(&world, 1, NOW + 86400, &idle);
    sum += charge(&world, QUOTA, NOW + 86400, &busy);
    assert_int_equal(sum, QUOTA - CHUNK + 1);
    sum += charge(&world, QUOTA, NOW + 86400, &idle);
    assert_int_equal(sum, QUOTA);
    close_world(&world);
}

/* A clock that ran ahead, by an hour or a year, and was set right: what was used up there does not
 * count until then. Set back by a minute it gives nothing twice. */
static void
clock_set_back(void **state)
{
    static const int64_t ahead_s[] = {3600, 86400 * 365};
    (void)state;
    for (size_t i = 0; i < sizeof ahead_s / sizeof *ahead_s; i++) {
        struct world world;
        struct quota_share share = {{0, 0}, {0, 0}}, other = share;
        open_world(&world, "a abcdefghijkl on 10 100");
        for (int64_t second = 0; second < 9; second++)
            assert_int_equal(charge(&world, 50, NOW + ahead_s[i] + second, &share), 10);
        assert_int_equal(charge(&world, 50, NOW, &share), 10);
        assert_int_equal(charge(&world, 50, NOW, &other), 0);
        assert_int_equal(charge(&world, 50, NOW - 60, &share), 0);
        assert_int_equal(charge(&world, 50, NOW - 60, &other), 0);
        close_world(&world);
    }
}

static void
kept_counts(void **state)
{
    char *text = NULL;
    size_t n;
    struct world world, other;
    struct errmsg msg;
    struct quota_share share = {{0, 0}, {0, 0}};
    (void)state;
    open_world(&world, "a abcdefghijkl on 0 50\nb bcdefghijklmn on 0 0");
    assert_int_equal(charge(&world, 30, NOW, &share), 30);
    FILE *file = open_memstream(&text, &n);
    quota_table_print(&world.table, NOW, file);
    (void)fclose(file);
    assert_string_equal(
        text, "# repdnsd: day since 1970, key's id, queries taken from its quota\n20605 a 30\n");
    close_world(&world);

    /* Another process, the same day, with other keys beside; and damaged lines. */
    static const char *const damaged[] = {"20605 a\n", "x\n", "20605 A 1\n", "20605 a 1 x\n",
        "20605 a 1000000000001\n", "20605 a 1", "20605 a -1\n"};
    assert_int_equal(quota_table_map(&other.table, &msg), ERR_OK);
    file = fmemopen(text, n, "r");
    assert_int_equal(quota_table_read(&other.table, file, NOW), 0);
    (void)fclose(file);
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        file = fmemopen((void *)(uintptr_t)damaged[i], strlen(damaged[i]), "r");
        assert_int_equal(quota_table_read(&other.table, file, NOW), 1);
        (void)fclose(file);
    }
    assert_int_equal(keys_of("a abcdefghijkl on 0 50\n", &other.ring, &msg), ERR_OK);
    assert_int_equal(quota_table_adopt(&other.table, &other.ring, &msg), ERR_OK);
    share = (struct quota_share){{0, 0}, {0, 0}};
    assert_int_equal(charge(&other, 100, NOW, &share), 20);
    assert_int_equal(charge(&other, 100, NOW + 86400, &share), 50);
    close_world(&other);
    free(text);
}

/* A key's counts stay its own when keys come and go. */
static void
adoption(void **state)
{
    struct world world;
    struct keyring ring;
    struct errmsg msg;
    struct quota_share share = {{0, 0}, {0, 0}};
    (void)state;
    open_world(&world, "b abcdefghijkl on 0 50");
    assert_int_equal(charge(&world, 10, NOW, &share), 10);
    keys_free(&world.ring);
    assert_int_equal(
        keys_of("a aaaaaaaaaaaa on 0 0\nb newkeyofthesame on 0 50", &world.ring, &msg), ERR_OK);
    assert_int_equal(quota_table_adopt(&world.table, &world.ring, &msg), ERR_OK);
    const struct key *b = keys_find(&world.ring, (const uint8_t *)"newkeyofthesame", 15);
    assert_non_null(b);
    assert_int_equal(quota_day_used(&world.table.slots[b->slot], NOW), 10);
    /* All the room is taken. */
    for (unsigned i = 0; i <= KEYS_MAX; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "n%u abcdefghijkl on 0 0\n", i);
        assert_int_equal(keys_of(line, &ring, &msg), ERR_OK);
        enum err err = quota_table_adopt(&world.table, &ring, &msg);
        keys_free(&ring);
        if (err == ERR_OK)
            continue;
        assert_int_equal(err, ERR_FULL);
        assert_int_equal(i, KEYS_MAX - 2);
        break;
    }
    close_world(&world);
}

static void
saved(void **state)
{
    char dir[] = "/tmp/repdns-quota-XXXXXX", path[64], line[128];
    struct world world;
    struct quota_share share = {{0, 0}, {0, 0}};
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/quotas", dir);
    open_world(&world, "a abcdefghijkl on 0 50");
    quota_table_load(&world.table, path, NOW); /* there is none */
    assert_int_equal(charge(&world, 5, NOW, &share), 5);
    quota_table_save(&world.table, path, NOW);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    assert_non_null(fgets(line, sizeof line, file));
    assert_string_equal(line, "20605 a 5\n");
    (void)fclose(file);
    /* What has not changed is not written. */
    assert_int_equal(unlink(path), 0);
    quota_table_save(&world.table, path, NOW);
    assert_int_not_equal(access(path, F_OK), 0);
    close_world(&world);
    assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),
        cmocka_unit_test(bad_files),
        cmocka_unit_test(one_worker),
        cmocka_unit_test(several_workers),
        cmocka_unit_test(clock_set_back),
        cmocka_unit_test(kept_counts),
        cmocka_unit_test(adoption),
        cmocka_unit_test(saved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Counters, their sums over configurations that change, and the statistics file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/query.h"
#include "server/statistics.h"

enum { ZONES_MAX = 4 };

/* A configuration of these zones, "" for the end; one that begins with '-' is not enabled. */
struct world {
    struct conf conf;
    struct zone_def zones[ZONES_MAX];
    struct counter_slots slots;
};

static void
make(struct world *world, const char *const names[ZONES_MAX])
{
    *world = (struct world){.conf = {.zones = world->zones}};
    for (unsigned i = 0; i < ZONES_MAX && names[i] != NULL; i++) {
        const char *name = names[i] + (names[i][0] == '-');
        world->zones[i].enabled = names[i][0] != '-';
        assert_int_equal(dname_parse(name, strlen(name), &world->zones[i].apex), ERR_OK);
        world->conf.zone_count++;
    }
    assert_int_equal(counters_map(2, world->conf.zone_count, &world->slots, NULL), ERR_OK);
}

static void
note(struct world *world, unsigned slot, unsigned zone, enum rcode rcode, size_t in, size_t out)
{
    const struct answer_note note = {
        .rcode = (uint8_t)rcode, .dropped = out == 0, .drop = DROP_ACL};
    const struct request request = {.len = in, .client = ip_from_v4(1)};
    counters_note(counters_slot(&world->slots, slot), &note, zone, &request, out);
}

static void
collect(struct statistics *statistics, const struct world *a, const struct world *b)
{
    statistics_collect(statistics);
    statistics_add(statistics, &a->slots, &a->conf);
    if (b != NULL)
        statistics_add(statistics, &b->slots, &b->conf);
}

static const char *
line(struct statistics *statistics)
{
    static char text[1024];
    FILE *out = fmemopen(text, sizeof text, "w");
    statistics_print_line(statistics, 100, out);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void
slots_are_apart(void **state)
{
    struct world world;
    (void)state;
    make(&world, (const char *const[ZONES_MAX]){"a.example", "b.example"});
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal((uintptr_t)counters_slot(&world.slots, i) % 64, 0);
    note(&world, 0, 0, RCODE_NOERROR, 10, 20);
    note(&world, 1, 1, RCODE_NXDOMAIN, 1, 2);
    note(&world, 1, 2, RCODE_REFUSED, 1, 2); /* no zone of ours */
    note(&world, 1, 2, RCODE_NOERROR, 3, 0); /* dropped */
    note(&world, 1, 0, RCODE_REFUSED, 4, 0); /* by an access list, say */
    const struct counters *first = counters_slot(&world.slots, 0);
    const struct counters *second = counters_slot(&world.slots, 1);
    assert_int_equal(first->of[COUNTER_QUERIES], 1);
    assert_int_equal(second->of[COUNTER_QUERIES], 4);
    assert_int_equal(second->of[COUNTER_DROPPED], 2);
    assert_int_equal(second->of[COUNTER_DROP_ACL], 2);
    assert_int_equal(second->of[COUNTER_DROP_SHORT], 0);
    assert_int_equal(second->of[COUNTER_REFUSED], 1);
    assert_int_equal(second->zones[0].of[ZONE_COUNTER_QUERIES], 0);
    assert_int_equal(second->zones[1].of[ZONE_COUNTER_NXDOMAIN], 1);
    assert_int_equal(second->zones[2].of[ZONE_COUNTER_QUERIES], 4);
    assert_int_equal(second->zones[2].of[ZONE_COUNTER_OK], 0);
    assert_int_equal(second->zones[2].of[ZONE_COUNTER_BYTES_IN], 9);
    assert_int_equal(second->zones[2].of[ZONE_COUNTER_BYTES_OUT], 4);
    counters_unmap(&world.slots);
}

static void
lines_and_resets(void **state)
{
    struct world world;
    struct statistics statistics;
    (void)state;
    make(&world, (const char *const[ZONES_MAX]){"a.example", "-off.example", "b.example"});
    assert_int_equal(statistics_init(&statistics, &world.conf, 50, 1000), ERR_OK);
    note(&world, 0, 0, RCODE_NOERROR, 10, 20);
    note(&world, 1, 0, RCODE_NXDOMAIN, 10, 30);
    note(&world, 1, 2, RCODE_SERVFAIL, 1, 2);
    note(&world, 1, 1, RCODE_REFUSED, 100, 200);
    collect(&statistics, &world, NULL);
    assert_string_equal(
        line(&statistics), "100 a.example:2:1:1:20:50 b.example:1:0:0:1:2 *:4:1:1:121:252\n");
    assert_string_equal(
        line(&statistics), "100 a.example:2:1:1:20:50 b.example:1:0:0:1:2 *:4:1:1:121:252\n");
    statistics_reset(&statistics, 60);
    note(&world, 0, 2, RCODE_NOERROR, 5, 6);
    collect(&statistics, &world, NULL);
    assert_string_equal(
        line(&statistics), "100 a.example:0:0:0:0:0 b.example:1:1:0:5:6 *:1:1:0:5:6\n");
    assert_int_equal(statistics.since_s, 60);
    statistics_free(&statistics);
    counters_unmap(&world.slots);
}

/* A zone goes, another comes and one moves, while the generation before still counts. */
static void
configurations_change(void **state)
{
    struct world old, new;
    struct statistics statistics;
    (void)state;
    make(&old, (const char *const[ZONES_MAX]){"a.example", "b.example", "c.example"});
    make(&new, (const char *const[ZONES_MAX]){"c.example", "d.example", "a.example"});
    assert_int_equal(statistics_init(&statistics, &old.conf, 50, 1000), ERR_OK);
    for (unsigned i = 0; i < 3; i++)
        note(&old, 0, i, RCODE_NOERROR, i + 1, 10 * (i + 1));
    collect(&statistics, &old, NULL);
    statistics_reset(&statistics, 60);
    note(&old, 0, 0, RCODE_NOERROR, 1, 10);
    note(&new, 0, 0, RCODE_NOERROR, 3, 30); /* before it is adopted */
    assert_true(statistics_adopt(&statistics, &new.conf, 1000));
    note(&old, 0, 1, RCODE_NOERROR, 2, 20);
    note(&new, 0, 1, RCODE_NOERROR, 4, 40);
    collect(&statistics, &new, &old);
    const char *wanted =
        "100 c.example:1:1:0:3:30 d.example:1:1:0:4:40 a.example:1:1:0:1:10 *:4:4:0:10:100\n";
    assert_string_equal(line(&statistics), wanted);
    /* What is gone has counted all the same. */
    statistics_retire(&statistics, &old.slots, &old.conf);
    counters_unmap(&old.slots);
    collect(&statistics, &new, NULL);
    assert_string_equal(line(&statistics), wanted);
    assert_int_equal(statistics.since_s, 60);
    assert_int_equal(statistics.start_s, 50);
    statistics_free(&statistics);
    counters_unmap(&new.slots);
}

static size_t
read_file(const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t n = fread(out, 1, size - 1, file);
    out[n] = '\0';
    (void)fclose(file);
    return n;
}

static void
files(void **state)
{
    static const struct catalog no_catalog;
    char dir[] = "/tmp/repdns-statistics-XXXXXX", path[64], text[32768];
    struct world world;
    struct statistics statistics;
    struct stat st;
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/file", dir);
    make(&world, (const char *const[ZONES_MAX]){"a.example"});
    world.conf.statistics = (struct statistics_conf){.path = path, .deltas = true, .every_s = 10};
    assert_int_equal(statistics_init(&statistics, &world.conf, 50, 1000), ERR_OK);
    statistics_mark(&statistics, 50);
    for (unsigned i = 0; i < 2; i++) {
        note(&world, 0, 0, RCODE_NOERROR, 1, 2);
        collect(&statistics, &world, NULL);
        statistics_write(&statistics, &no_catalog, 60 + i);
    }
    (void)read_file(path, text, sizeof text);
    assert_string_equal(text, "50\n60 a.example:1:1:0:1:2 *:1:1:0:1:2\n"
                              "61 a.example:1:1:0:1:2 *:1:1:0:1:2\n");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777 & ~0644U, 0);
    world.conf.statistics.prometheus = true;
    statistics_reset(&statistics, 70); /* Prometheus sums go on */
    statistics_mark(&statistics, 70);
    statistics_write(&statistics, &no_catalog, 70);
    assert_true(read_file(path, text, sizeof text) < sizeof text - 1);
    assert_non_null(
        strstr(text, "\n# TYPE repdnsd_queries_total counter\nrepdnsd_queries_total 2\n"));
    assert_non_null(strstr(text, "\nrepdnsd_start_time_seconds 50\n"));
    assert_non_null(strstr(text, "\nrepdnsd_zone_sent_bytes_total{zone=\"a.example\"} 4\n"));
    assert_non_null(strstr(text, "\nrepdnsd_all_ok_total 2\n"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);                /* nothing is beside it */
    statistics_write(&statistics, &no_catalog, 80); /* no folder: a line of the log, no more */
    statistics_free(&statistics);
    counters_unmap(&world.slots);
}

static void
times(void **state)
{
    struct world world;
    struct statistics statistics;
    (void)state;
    make(&world, (const char *const[ZONES_MAX]){"a.example"});
    world.conf.statistics.every_s = 60;
    assert_int_equal(statistics_init(&statistics, &world.conf, 50, 1000), ERR_OK);
    assert_false(statistics_due(&statistics, 1059));
    assert_true(statistics_due(&statistics, 1060));
    assert_false(statistics_due(&statistics, 1061));
    assert_true(statistics_due(&statistics, 1500));
    assert_false(statistics_due(&statistics, 1559));
    statistics_free(&statistics);
    world.conf.statistics.every_s = 0;
    assert_int_equal(statistics_init(&statistics, &world.conf, 50, 1000), ERR_OK);
    assert_false(statistics_due(&statistics, INT64_MAX - 1));
    statistics_free(&statistics);
    counters_unmap(&world.slots);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_apart),
        cmocka_unit_test(lines_and_resets),
        cmocka_unit_test(configurations_change),
        cmocka_unit_test(files),
        cmocka_unit_test(times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

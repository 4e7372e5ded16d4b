/* What Prometheus reads, and how it asks for it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/metrics_listen.h"
#include "server/metrics_request.h"
#include "server/metrics_text.h"
#include "server/query.h"
#include "tools/stats.h"

static void
requests(void **state)
{
    static const struct {
        const char *text;
        enum metrics_verdict verdict;
        bool head;
    } cases[] = {
        {"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", METRICS_GOOD, false},
        {"GET /metrics HTTP/1.0\r\n\r\n", METRICS_GOOD, false},
        {"GET /metrics HTTP/1.0\n\n", METRICS_GOOD, false},
        {"GET /metrics?x=y HTTP/1.0\r\n\r\nrest", METRICS_GOOD, false},
        {"HEAD /metrics HTTP/1.0\r\n\r\n", METRICS_GOOD, true},
        {"", METRICS_MORE, false},
        {"GET /metrics HTTP/1.0", METRICS_MORE, false},
        {"GET /metrics HTTP/1.0\r\n", METRICS_MORE, false},
        {"GET /metrics HTTP/1.0\r\nHost: x\r\n", METRICS_MORE, false},
        {"GET / HTTP/1.0\r\n\r\n", METRICS_NOT_FOUND, false},
        {"GET /metrics/ HTTP/1.0\r\n\r\n", METRICS_NOT_FOUND, false},
        {"GET /../metrics HTTP/1.0\r\n\r\n", METRICS_NOT_FOUND, false},
        {"POST /metrics HTTP/1.0\r\n\r\n", METRICS_NO_METHOD, false},
        {"get /metrics HTTP/1.0\r\n\r\n", METRICS_NO_METHOD, false},
        {"\r\n\r\n", METRICS_BAD, false},
        {"GET /metrics\r\n\r\n", METRICS_BAD, false},
        {"GET  /metrics HTTP/1.0\r\n\r\n", METRICS_BAD, false},
        {"GET metrics HTTP/1.0\r\n\r\n", METRICS_BAD, false},
        {"GET /metrics HTTP/2\r\n\r\n", METRICS_BAD, false},
        {"GET /metrics HTTP/1.0 x\r\n\r\n", METRICS_BAD, false},
        {" /metrics HTTP/1.0\r\n\r\n", METRICS_BAD, false},
    };
    char endless[METRICS_REQUEST_MAX];
    bool head;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(
            metrics_request_parse(cases[i].text, strlen(cases[i].text), &head), cases[i].verdict);
        assert_int_equal(head, cases[i].head);
    }
    memset(endless, 'x', sizeof endless);
    assert_int_equal(metrics_request_parse(endless, sizeof endless - 1, &head), METRICS_MORE);
    assert_int_equal(metrics_request_parse(endless, sizeof endless, &head), METRICS_BAD);
    memcpy(endless, "GET /metrics HTTP/1.0\r\n", 23);
    assert_int_equal(metrics_request_parse(endless, sizeof endless, &head), METRICS_BAD);
}

/* A server of two zones, the second not enabled. */
struct world {
    struct zone_def zones[2];
    struct conf conf;
    struct counter_slots slots;
    struct tally now;
    struct catalog catalog;
    char *text;
};

static void
make(struct world *world)
{
    const char *names[] = {"a\\.b.example", "off.example"};
    *world = (struct world){.conf = {.zones = world->zones, .zone_count = 2}};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(dname_parse(names[i], strlen(names[i]), &world->zones[i].apex), ERR_OK);
    world->zones[0].enabled = true;
    assert_int_equal(counters_map(1, 2, &world->slots, NULL), ERR_OK);
    assert_int_equal(tally_init(&world->now, 2), ERR_OK);
}

static void
end(struct world *world)
{
    counters_unmap(&world->slots);
    tally_free(&world->now);
    free(world->text);
}

static void
print(struct world *world)
{
    size_t n;
    const struct metrics_state state = {.conf = &world->conf,
        .now = &world->now,
        .catalog = &world->catalog,
        .start_s = 50,
        .now_s = 2000};
    FILE *out = open_memstream(&world->text, &n);
    tally_add_slot(&world->now, counters_slot(&world->slots, 0));
    metrics_print(&state, out);
    assert_int_equal(fclose(out), 0);
}

static void
has(const struct world *world, const char *line)
{
    char whole[256];
    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    if (strstr(world->text, whole) == NULL)
        fail_msg("no line %s", line);
}

static void
counts(void **state)
{
    struct world world;
    const struct request four = {.len = 30, .client = ip_from_v4(1)};
    struct request six = {.len = 40, .tcp = true};
    struct answer_note note = {.rcode = RCODE_NOERROR, .listed = true};
    (void)state;
    make(&world);
    struct counters *slot = counters_slot(&world.slots, 0);
    six.client.b[0] = 0x20;
    reasons_add(&note.reasons, REASON_SCORE);
    reasons_add(&note.reasons, REASON_SPF_PERMERROR);
    counters_note(slot, &note, 0, &four, 100);
    note = (struct answer_note){.listed = true, .literal = true};
    counters_note(slot, &note, 0, &six, 200);
    for (uint8_t rcode = 0; rcode < 25; rcode++) {
        note = (struct answer_note){.rcode = rcode};
        counters_note(slot, &note, 2, &four, 10);
    }
    note = (struct answer_note){.dropped = true, .drop = DROP_SHORT};
    counters_note(slot, &note, 2, &four, 0);
    print(&world);
    has(&world, "repdnsd_queries_total 28");
    has(&world, "repdnsd_tcp_total 1");
    has(&world, "repdnsd_ipv6_total 1");
    has(&world, "repdnsd_dropped_total 1");
    has(&world, "# TYPE repdnsd_log_dropped_total counter");
    has(&world, "repdnsd_answers_total{rcode=\"NOERROR\",listed=\"yes\"} 2");
    has(&world, "repdnsd_answers_total{rcode=\"NOERROR\",listed=\"no\"} 1");
    has(&world, "repdnsd_answers_total{rcode=\"NXDOMAIN\",listed=\"no\"} 1");
    has(&world, "repdnsd_answers_total{rcode=\"BADVERS\",listed=\"no\"} 1");
    has(&world, "repdnsd_answers_total{rcode=\"other\",listed=\"no\"} 17");
    has(&world, "repdnsd_drops_total{cause=\"short\"} 1");
    has(&world, "repdnsd_listings_total{reason=\"score\"} 1");
    has(&world, "repdnsd_listings_total{reason=\"spf-permerror\"} 1");
    has(&world, "repdnsd_listings_total{reason=\"list\"} 1");
    has(&world, "repdnsd_zone_listed_total{zone=\"a\\\\.b.example\"} 2");
    has(&world, "repdnsd_zone_received_bytes_total{zone=\"a\\\\.b.example\"} 70");
    has(&world, "repdnsd_all_sent_bytes_total 550");
    assert_null(strstr(world.text, "off.example"));
    end(&world);
}

static void
histograms(void **state)
{
    static const unsigned sizes[] = {1, 2, 3, 4, 5, 33, 64};
    static const int64_t times[] = {-5, 0, 5000, 5001, 999999999, 1000000001, 5000000000};
    struct world world;
    (void)state;
    make(&world);
    struct counters *slot = counters_slot(&world.slots, 0);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        counters_batch(slot, sizes[i]);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        counters_latency(slot, times[i]);
    print(&world);
    has(&world, "repdnsd_batch_queries_bucket{le=\"1\"} 1");
    has(&world, "repdnsd_batch_queries_bucket{le=\"2\"} 2");
    has(&world, "repdnsd_batch_queries_bucket{le=\"4\"} 4");
    has(&world, "repdnsd_batch_queries_bucket{le=\"32\"} 5");
    has(&world, "repdnsd_batch_queries_bucket{le=\"64\"} 7");
    has(&world, "repdnsd_batch_queries_bucket{le=\"+Inf\"} 7");
    has(&world, "repdnsd_batch_queries_sum 112");
    has(&world, "repdnsd_batch_queries_count 7");
    has(&world, "repdnsd_answer_latency_seconds_bucket{le=\"5e-06\"} 3");
    has(&world, "repdnsd_answer_latency_seconds_bucket{le=\"1e-05\"} 4");
    has(&world, "repdnsd_answer_latency_seconds_bucket{le=\"1\"} 5");
    has(&world, "repdnsd_answer_latency_seconds_bucket{le=\"+Inf\"} 7");
    has(&world, "repdnsd_answer_latency_seconds_sum 7.000010001");
    has(&world, "repdnsd_answer_latency_seconds_count 7");
    end(&world);
}

static void
store(void **state)
{
    struct world world;
    (void)state;
    make(&world);
    world.catalog = (struct catalog){.usable = true, .serial = 77, .checked_s = 1000, .count = 2};
    world.catalog.datasets[0] = (struct dataset){
        .name = "drop", .serial = 70, .built_s = 900, .entries = 12, .expires_s = 1999};
    world.catalog.datasets[1] = (struct dataset){.name = "kept", .built_s = 1990};
    print(&world);
    has(&world, "repdnsd_start_time_seconds 50");
    has(&world, "repdnsd_store_usable 1");
    has(&world, "repdnsd_store_serial 77");
    has(&world, "repdnsd_store_checked_timestamp_seconds 1000");
    has(&world, "repdnsd_dataset_entries{dataset=\"drop\"} 12");
    has(&world, "repdnsd_dataset_serial{dataset=\"drop\"} 70");
    has(&world, "repdnsd_dataset_age_seconds{dataset=\"drop\"} 1100");
    has(&world, "repdnsd_dataset_age_seconds{dataset=\"kept\"} 10");
    has(&world, "repdnsd_dataset_expires_timestamp_seconds{dataset=\"drop\"} 1999");
    has(&world, "repdnsd_dataset_expired{dataset=\"drop\"} 1");
    has(&world, "repdnsd_dataset_expired{dataset=\"kept\"} 0");
    assert_null(strstr(world.text, "expires_timestamp_seconds{dataset=\"kept\"}"));
    end(&world);
}

/* The slot of others is added once, and a process that protects the counters can't write them. */
static void
others(void **state)
{
    struct world world;
    int status;
    (void)state;
    make(&world);
    world.now.of[COUNTER_QUERIES] = 5;
    world.now.zones[2].of[ZONE_COUNTER_OK] = 4;
    const struct counters *slot = counters_others(&world.slots);
    assert_int_equal(slot->written, 0);
    tally_put_others(&world.now, &world.slots);
    assert_int_equal(slot->written, 1);
    assert_int_equal(slot->of[COUNTER_QUERIES], 5);
    assert_int_equal(slot->zones[2].of[ZONE_COUNTER_OK], 4);
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGSEGV, SIG_DFL);
        counters_protect(&world.slots);
        counters_slot(&world.slots, 0)->of[COUNTER_QUERIES]++;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    assert_int_equal(counters_slot(&world.slots, 0)->of[COUNTER_QUERIES], 0);
    end(&world);
}

static void
read_text(struct metrics_reading *out, const char *text)
{
    assert_int_equal(metrics_parse(strdup(text), out), ERR_OK);
}

/* What the server prints, repdns reads; rates, shares and latencies of two readings. */
static void
stats_of_two(void **state)
{
    struct metrics_reading before, now, none;
    const struct stats stats = {.before = &before, .now = &now, .seconds = 2};
    const char *label;
    (void)state;
    read_text(&before, "repdnsd_queries_total 10\nrepdnsd_tcp_total 7\n"
                       "repdnsd_answer_latency_seconds_count 50\n"
                       "repdnsd_answer_latency_seconds_bucket{le=\"1e-05\"} 50\n");
    read_text(&now, "# HELP x y\nrepdnsd_queries_total 30\nrepdnsd_tcp_total 3\n"
                    "repdnsd_answers_total{rcode=\"NOERROR\",listed=\"yes\"} 5\n"
                    "repdnsd_answer_latency_seconds_bucket{le=\"1e-05\"} 110\n"
                    "repdnsd_answer_latency_seconds_bucket{le=\"2e-05\"} 148\n"
                    "repdnsd_answer_latency_seconds_bucket{le=\"+Inf\"} 150\n"
                    "repdnsd_answer_latency_seconds_count 150\n"
                    "x{a=\"b\\\"c\",zone=\"d\\\\\"} 1");
    assert_true(stats_growth(&stats, "repdnsd_queries_total", "") == 20);
    assert_true(stats_growth(&stats, "repdnsd_tcp_total", "") == 3); /* started anew */
    assert_true(stats_growth(&stats, "nothing", "") == 0);
    assert_true(stats_listed(&stats) == 5);
    assert_true(stats_percent(5, 20) == 25 && stats_percent(0, 0) == 0);
    assert_true(stats_latency(&stats, 0.5) == 1e-05);
    assert_true(stats_latency(&stats, 0.98) == 2e-05);
    assert_true(stats_latency(&stats, 0.99) == 2e-05); /* past the last bound */
    const struct metric *last = &now.metrics[now.count - 1];
    assert_int_equal(metrics_label(last, "zone", &label), 3);
    assert_memory_equal(label, "d\\\\", 3);
    assert_int_equal(metrics_label(last, "a", &label), 4);
    assert_int_equal(metrics_label(last, "b", &label), 0);
    const struct stats same = {.before = &now, .now = &now, .seconds = 1};
    assert_true(stats_latency(&same, 0.5) < 0);
    static const char *const bad[] = {"a", "a b", "a{b=\"c\" 1", "a\x1b 1", "\xff 1", " 1", "a{} "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(metrics_parse(strdup(bad[i]), &none), ERR_FORMAT);
    metrics_reading_free(&before);
    metrics_reading_free(&now);
}

static void
sockets(void **state)
{
    char dir[] = "/tmp/repdns-metrics-XXXXXX", path[64], other[64];
    struct conf conf = {.user = "nobody", .group = "nogroup"};
    struct metrics_sockets first, second, third;
    struct errmsg msg;
    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/socket", dir);
    (void)snprintf(other, sizeof other, "%s/other", dir);
    assert_int_equal(metrics_open(&conf, NULL, &first, &msg), ERR_OK);
    assert_true(first.local < 0 && first.tcp < 0);
    conf.metrics.path = path;
    assert_int_equal(metrics_open(&conf, NULL, &first, &msg), ERR_OK);
    assert_true(first.local >= 0 && first.tcp < 0);
    /* Another server listens there; the same one keeps it. */
    assert_int_equal(metrics_open(&conf, NULL, &second, &msg), ERR_IO);
    assert_non_null(strstr(msg.text, path));
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(metrics_open(&conf, &first, &second, &msg), ERR_OK);
    assert_int_equal(second.local, first.local);
    metrics_close_others(&first, &second);
    assert_int_equal(access(path, F_OK), 0);
    /* Another path; the old one goes. */
    conf.metrics.path = other;
    assert_int_equal(metrics_open(&conf, &second, &third, &msg), ERR_OK);
    metrics_close_others(&second, &third);
    assert_int_not_equal(access(path, F_OK), 0);
    /* What a dead server left is no hindrance; another file is. */
    assert_int_equal(close(third.local), 0);
    free(third.path);
    assert_int_equal(metrics_open(&conf, NULL, &first, &msg), ERR_OK);
    metrics_close_others(&first, NULL);
    FILE *file = fopen(other, "we");
    assert_non_null(file);
    (void)fclose(file);
    assert_int_equal(metrics_open(&conf, NULL, &first, &msg), ERR_IO);
    assert_int_equal(unlink(other), 0);
    assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests),
        cmocka_unit_test(counts),
        cmocka_unit_test(histograms),
        cmocka_unit_test(store),
        cmocka_unit_test(others),
        cmocka_unit_test(stats_of_two),
        cmocka_unit_test(sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

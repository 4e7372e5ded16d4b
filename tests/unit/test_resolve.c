/*
 * The resolver's client against a name server that misbehaves (tests/tools/dnsfixture, built beside
 * this program), on 127.0.0.1 only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <signal.h>

#include "loader/resolve.h"

#define NOW   INT64_C(1700000000)
#define MANY  2000U
#define TRIES 3U

/* Time-outs: where all is answered, where answers are among silence, and where nothing comes. */
enum { PATIENT_MS = 10000, MIXED_MS = 800, SILENT_MS = 200 };

static const char *program; /* argv[0] */

static const char zone[] = "example.test A 192.0.2.2\n"
                           "example.test A 192.0.2.1\n"
                           "example.test MX 10 Mail.Example.test\n"
                           "example.test TXT \"v=spf1\" \" -all\"\n"
                           "example.test AAAA 2001:db8::1\n"
                           "www.example.test 20 CNAME web.example.test\n"
                           "web.example.test CNAME example.test\n"
                           "nowhere.test CNAME not.there.test\n"
                           "loop.test CNAME loop.test\n"
                           "brief.test 5 A 192.0.2.3\n"
                           "lasting.test 1000000 A 192.0.2.3\n"
                           "1.2.0.192.in-addr.arpa PTR mail.example.test\n"
                           "broken.test SERVFAIL\n"
                           "refused.test REFUSED\n"
                           "dead1.test TIMEOUT\n"
                           "dead2.test TIMEOUT\n"
                           "dead3.test TIMEOUT\n"
                           "dead4.test TIMEOUT\n"
                           "a.ent.test A 192.0.2.4\n";

struct fixture {
    char zone_path[64], port_path[64], many_path[64];
    pid_t pid;
    struct conf conf;
    struct resolver *resolver;
    struct dnscache *cache;
};

static struct dname
name_of(const char *text)
{
    struct dname name;
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    return name;
}

static void
write_zones(struct fixture *f)
{
    FILE *file = fopen(f->zone_path, "w");
    assert_non_null(file);
    assert_true(fputs(zone, file) >= 0);
    assert_int_equal(fclose(file), 0);
    file = fopen(f->many_path, "w");
    assert_non_null(file);
    for (unsigned i = 0; i < MANY; i++)
        assert_true(fprintf(file, "n%u.many.test A 10.0.%u.%u\n", i, i / 256, i % 256) > 0);
    assert_int_equal(fclose(file), 0);
}

static void
child(const struct fixture *f, const char *mode)
{
    char path[4096];
    const char *slash = strrchr(program, '/');
    int dir = slash == NULL ? 1 : (int)(slash - program);
    (void)snprintf(
        path, sizeof path, "%.*s/../tools/dnsfixture", dir, slash == NULL ? "." : program);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM); /* should this program be killed */
    (void)execl(path, path, "-P", f->port_path, "-m", mode, f->zone_path, f->many_path, NULL);
    (void)fprintf(stderr, "%s: cannot be run; build it first (make helpers)\n", path);
    _exit(127);
}

static uint16_t
wait_port(struct fixture *f)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    for (unsigned i = 0; i < 500; i++) {
        unsigned port;
        FILE *file = fopen(f->port_path, "r");
        if (file != NULL) {
            assert_int_equal(fscanf(file, "%u", &port), 1);
            (void)fclose(file);
            return (uint16_t)port;
        }
        if (waitpid(f->pid, NULL, WNOHANG) == f->pid) {
            f->pid = 0;
            fail_msg("dnsfixture did not start: build it with make helpers");
        }
        (void)nanosleep(&pause, NULL);
    }
    fail_msg("dnsfixture wrote no port");
    return 0;
}

static void
open_resolver(struct fixture *f)
{
    struct errmsg msg = {""};
    resolver_close(&f->resolver);
    if (resolver_open(&f->conf, &f->resolver, &msg) < 0)
        fail_msg("%s", msg.text);
}

static void
new_cache(struct fixture *f)
{
    if (f->cache != NULL)
        dnscache_free(&f->cache);
    assert_int_equal(dnscache_new(NULL, NOW, &f->cache), ERR_OK);
}

/* The server in a mode, a resolver for it and an empty cache. */
static void
begin(struct fixture *f, const char *mode)
{
    f->pid = fork();
    assert_true(f->pid >= 0);
    if (f->pid == 0)
        child(f, mode);
    f->conf.resolver.port = wait_port(f);
    open_resolver(f);
    new_cache(f);
}

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    long pid = (long)getpid();
    (void)snprintf(f->zone_path, sizeof f->zone_path, "/tmp/repdns-resolve-%ld.zone", pid);
    (void)snprintf(f->many_path, sizeof f->many_path, "/tmp/repdns-resolve-%ld.many", pid);
    (void)snprintf(f->port_path, sizeof f->port_path, "/tmp/repdns-resolve-%ld.port", pid);
    write_zones(f);
    f->conf.has_resolver = true;
    f->conf.resolver.ip = ip_from_v4(0x7f000001);
    f->conf.resolver_timeout_ms = PATIENT_MS;
    f->conf.resolver_tries = TRIES;
    f->conf.resolver_window = 256;
    f->conf.min_ttl_s = 10;
    f->conf.max_ttl_s = 86400;
    *state = f;
    return 0;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    if (f->pid > 0) {
        (void)kill(f->pid, SIGTERM);
        (void)waitpid(f->pid, NULL, 0);
    }
    resolver_close(&f->resolver);
    if (f->cache != NULL)
        dnscache_free(&f->cache);
    (void)unlink(f->zone_path);
    (void)unlink(f->many_path);
    (void)unlink(f->port_path);
    free(f);
    return 0;
}

static struct dns_answer
lookup(struct fixture *f, enum dns_type type, const char *text)
{
    struct dname name = name_of(text);
    struct dns_answer answer;
    dnscache_lookup(f->cache, type, &name, &answer);
    return answer;
}

static void
resolve(struct fixture *f)
{
    struct errmsg msg = {""};
    if (resolve_wanted(f->resolver, f->cache, NULL, NULL, &msg) < 0)
        fail_msg("%s", msg.text);
    assert_int_equal(dnscache_wanted(f->cache), 0);
}

/* Asks for one thing and gives what became of it. */
static struct dns_answer
ask(struct fixture *f, enum dns_type type, const char *text)
{
    assert_int_equal(lookup(f, type, text).status, DNS_PENDING);
    resolve(f);
    return lookup(f, type, text);
}

static void
expect_rdata(struct dns_answer *answer, const void *want, size_t n)
{
    struct slice rdata;
    assert_int_equal(dns_next(answer, &rdata), ERR_OK);
    assert_int_equal(rdata.n, n);
    assert_memory_equal(rdata.p, want, n);
}

/* 2000 names wanted; how many came out with the status. */
static unsigned
ask_many(struct fixture *f, enum dns_status status)
{
    char text[32];
    unsigned n = 0;
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "n%u.many.test", i);
        assert_int_equal(lookup(f, DNS_A, text).status, DNS_PENDING);
    }
    resolve(f);
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "n%u.many.test", i);
        struct dns_answer answer = lookup(f, DNS_A, text);
        n += answer.status == status;
        if (answer.status == DNS_OK)
            expect_rdata(
                &answer, (const uint8_t[]){10, 0, (uint8_t)(i / 256), (uint8_t)(i % 256)}, 4);
    }
    return n;
}

static struct resolve_stats
stats_of(const struct fixture *f)
{
    struct resolve_stats stats;
    resolver_stats(f->resolver, &stats);
    return stats;
}

static void
test_types(void **state)
{
    struct fixture *f = *state;
    static const uint8_t mail[] = "\0\x0a\4mail\7example\4test";
    static const uint8_t aaaa[16] = {0x20, 1, 0x0d, 0xb8, [15] = 1};
    begin(f, "none");

    struct dns_answer answer = ask(f, DNS_A, "EXAMPLE.test");
    assert_int_equal(answer.status, DNS_OK);
    assert_int_equal(answer.count, 2);
    assert_int_equal(answer.expires_s, NOW + 300);
    expect_rdata(&answer, (const uint8_t[]){192, 0, 2, 1}, 4); /* in order, whatever came */
    expect_rdata(&answer, (const uint8_t[]){192, 0, 2, 2}, 4);
    answer = ask(f, DNS_MX, "example.test");
    expect_rdata(&answer, mail, sizeof mail);
    answer = ask(f, DNS_TXT, "example.test");
    expect_rdata(&answer, "v=spf1 -all", 11);
    answer = ask(f, DNS_AAAA, "example.test");
    expect_rdata(&answer, aaaa, sizeof aaaa);
    answer = ask(f, DNS_PTR, "1.2.0.192.in-addr.arpa");
    expect_rdata(&answer, mail + 2, sizeof mail - 2);

    struct resolve_stats stats = stats_of(f);
    assert_int_equal(stats.asked, 5);
    assert_int_equal(stats.answered, 5);
    assert_int_equal(stats.retried + stats.tcp + stats.failed + stats.mismatched, 0);
}

static void
test_outcomes(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name;
        enum dns_status status;
        int64_t ttl_s;
    } cases[] = {{"www.example.test", DNS_OK, 20}, /* the chain's least TTL */
        {"nowhere.test", DNS_NXDOMAIN, 60},        /* the SOA's minimum, less than its TTL */
        {"absent.test", DNS_NXDOMAIN, 60}, {"ent.test", DNS_NODATA, 60},
        {"1.2.0.192.in-addr.arpa", DNS_NODATA, 60}, {"brief.test", DNS_OK, 10},
        {"lasting.test", DNS_OK, 86400}, {"loop.test", DNS_FAIL, 0}, {"broken.test", DNS_FAIL, 0},
        {"refused.test", DNS_FAIL, 0}, {"dead1.test", DNS_FAIL, 0}};
    const size_t count = sizeof cases / sizeof *cases;
    f->conf.resolver_timeout_ms = MIXED_MS;
    begin(f, "none");

    for (size_t i = 0; i < count; i++)
        assert_int_equal(lookup(f, DNS_A, cases[i].name).status, DNS_PENDING);
    resolve(f);
    for (size_t i = 0; i < count; i++) {
        struct dns_answer answer = lookup(f, DNS_A, cases[i].name);
        if (answer.status != cases[i].status || answer.expires_s != NOW + cases[i].ttl_s)
            fail_msg("%s: status %d, TTL %ld", cases[i].name, (int)answer.status,
                (long)(answer.expires_s - NOW));
    }
    struct resolve_stats stats = stats_of(f);
    assert_int_equal(stats.answered, 7);
    assert_int_equal(stats.failed, 4);
    assert_true(stats.retried >= 4 * (TRIES - 1)); /* on a busy machine others may be */
    assert_int_equal(resolve_canary(f->resolver, NULL), ERR_OK);
}

struct progress {
    unsigned calls;
    uint64_t done, known;
};

static void
on_progress(void *ctx, uint64_t done, uint64_t known)
{
    struct progress *progress = ctx;
    assert_true(done >= progress->done && done <= known);
    progress->calls++;
    progress->done = done;
    progress->known = known;
}

static void
test_many(void **state)
{
    struct fixture *f = *state;
    struct progress progress = {0};
    begin(f, "none");
    assert_int_equal(ask_many(f, DNS_OK), MANY);
    assert_int_equal(stats_of(f).answered, MANY);

    new_cache(f);
    assert_int_equal(lookup(f, DNS_A, "example.test").status, DNS_PENDING);
    assert_int_equal(resolve_wanted(f->resolver, f->cache, on_progress, &progress, NULL), ERR_OK);
    assert_true(progress.calls >= 1 && progress.done == 1 && progress.known == 1);
    /* Nothing wanted: nothing sent. */
    resolve(f);
    assert_int_equal(stats_of(f).asked, MANY + 1);
}

/* A window full of dead names is no dead resolver. */
static void
test_dead_names(void **state)
{
    struct fixture *f = *state;
    f->conf.resolver_window = 2;
    f->conf.resolver_timeout_ms = MIXED_MS;
    begin(f, "none");
    for (char c = '1'; c <= '4'; c++)
        (void)lookup(f, DNS_A, (const char[]){'d', 'e', 'a', 'd', c, '.', 't', 'e', 's', 't', 0});
    (void)lookup(f, DNS_A, "example.test");
    resolve(f);
    assert_int_equal(lookup(f, DNS_A, "dead4.test").status, DNS_FAIL);
    assert_int_equal(lookup(f, DNS_A, "example.test").status, DNS_OK);
    struct resolve_stats stats = stats_of(f);
    assert_int_equal(stats.asked, 5);
    assert_int_equal(stats.failed, 4);
}

static void
test_servfail(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg = {""};
    begin(f, "servfail");
    assert_int_equal(ask_many(f, DNS_FAIL), MANY);
    struct resolve_stats stats = stats_of(f);
    assert_int_equal(stats.failed, MANY);
    assert_true(stats.retried >= MANY * (TRIES - 1));
    assert_int_equal(resolve_canary(f->resolver, &msg), ERR_REFUSED);
    assert_non_null(strstr(msg.text, "a.root-servers.net"));

    /* It recovers, and so do we: DNS_FAIL was for that run. */
    assert_int_equal(kill(f->pid, SIGUSR1), 0);
    new_cache(f);
    assert_int_equal(ask(f, DNS_A, "example.test").status, DNS_OK);
}

/* Not one answer: the first window's time, not that of all eight. */
static void
test_silent(void **state)
{
    struct fixture *f = *state;
    f->conf.resolver_timeout_ms = SILENT_MS;
    begin(f, "silent");
    assert_int_equal(ask_many(f, DNS_FAIL), MANY);
    struct resolve_stats stats = stats_of(f);
    assert_true(stats.seconds >= TRIES * SILENT_MS / 1000.0 - 0.1);
    assert_true(stats.seconds < 6 * TRIES * SILENT_MS / 1000.0);
    assert_int_equal(stats.failed, MANY);
    assert_true(stats.asked <= 512);
    assert_int_equal(resolve_canary(f->resolver, NULL), ERR_REFUSED);
}

/* Nobody at the port at all. */
static void
test_closed(void **state)
{
    struct fixture *f = *state;
    f->conf.resolver_timeout_ms = SILENT_MS;
    begin(f, "none");
    (void)kill(f->pid, SIGTERM);
    (void)waitpid(f->pid, NULL, 0);
    f->pid = 0;
    assert_int_equal(ask_many(f, DNS_FAIL), MANY);
    assert_true(stats_of(f).seconds < 6 * TRIES * SILENT_MS / 1000.0);
}

/* Answers come after the first time-outs, and still count. */
static void
test_slow(void **state)
{
    struct fixture *f = *state;
    f->conf.resolver_timeout_ms = 500;
    f->conf.resolver_tries = 20;
    begin(f, "slow");
    assert_int_equal(ask(f, DNS_A, "example.test").status, DNS_OK);
    assert_true(stats_of(f).retried >= 1);
}

static void
test_rewrite(void **state)
{
    struct fixture *f = *state;
    struct errmsg msg = {""};
    begin(f, "rewrite");
    assert_int_equal(resolve_canary(f->resolver, &msg), ERR_REFUSED);
    assert_non_null(strstr(msg.text, "invalid"));
    assert_int_equal(kill(f->pid, SIGUSR1), 0);
    assert_int_equal(resolve_canary(f->resolver, &msg), ERR_OK);

    f->conf.has_canary = true;
    f->conf.canary = name_of("example.test");
    open_resolver(f);
    assert_int_equal(resolve_canary(f->resolver, &msg), ERR_OK);
    f->conf.canary = name_of("ent.test");
    open_resolver(f);
    assert_int_equal(resolve_canary(f->resolver, &msg), ERR_REFUSED);
    assert_non_null(strstr(msg.text, "no A record"));
}

/* What does not match the question is dropped and counted, whatever it says. */
static void
check_mismatch(struct fixture *f, const char *mode)
{
    f->conf.resolver_timeout_ms = 2 * SILENT_MS;
    begin(f, mode);
    assert_int_equal(ask(f, DNS_A, "example.test").status, DNS_FAIL);
    struct resolve_stats stats = stats_of(f);
    assert_int_equal(stats.failed, 1);
    assert_true(stats.mismatched >= 1);
    assert_int_equal(resolve_canary(f->resolver, NULL), ERR_REFUSED);
}

static void
test_wrongid(void **state)
{
    check_mismatch(*state, "wrongid");
}

static void
test_liar(void **state)
{
    check_mismatch(*state, "liar");
}

static void
test_garbage(void **state)
{
    struct fixture *f = *state;
    check_mismatch(f, "garbage");
    new_cache(f);
    assert_int_equal(ask_many(f, DNS_FAIL), MANY);
}

static void
test_truncate(void **state)
{
    struct fixture *f = *state;
    begin(f, "truncate");
    struct dns_answer answer = ask(f, DNS_TXT, "example.test");
    expect_rdata(&answer, "v=spf1 -all", 11);
    assert_int_equal(stats_of(f).tcp, 1);
    assert_int_equal(resolve_canary(f->resolver, NULL), ERR_OK);
    assert_int_equal(ask_many(f, DNS_OK), MANY);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_types, setup, teardown),
        cmocka_unit_test_setup_teardown(test_outcomes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dead_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_servfail, setup, teardown),
        cmocka_unit_test_setup_teardown(test_silent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_closed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rewrite, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrongid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_liar, setup, teardown),
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncate, setup, teardown),
    };
    if (argc < 1)
        return 1;
    program = argv[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}

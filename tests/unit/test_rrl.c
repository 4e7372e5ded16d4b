/* Response rates: how many of what pass, for whom, and with several workers at once. */
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

#include "server/rrl.h"
#include "zones/zoneconf.h"

#define NOW INT64_C(1780300000)

static const struct rate_conf plain = {
    .responses = 10, .window_s = 1, .slip = 2, .prefix4 = 24, .prefix6 = 56, .table = 4096};

static struct rrl
table(const struct rate_conf *conf)
{
    struct rrl rrl;
    struct errmsg msg;
    assert_int_equal(rrl_map(conf, &rrl, &msg), ERR_OK);
    return rrl;
}

struct counts {
    unsigned of[RRL_DROP + 1];
};

static struct ip
ip_of(const char *text)
{
    struct ip ip;
    assert_int_equal(ip_parse(text, strlen(text), &ip), ERR_OK);
    return ip;
}

static enum rrl_verdict
one(const struct rrl *rrl, enum rrl_class class, const char *client, const char *name,
    int64_t now_s)
{
    struct dname qname, apex;
    assert_int_equal(dname_parse(name, strlen(name), &qname), ERR_OK);
    assert_int_equal(dname_parse("ip.rep.example", 14, &apex), ERR_OK);
    const struct ip ip = ip_of(client);
    const struct rrl_mark mark = rrl_begin(rrl, &ip, 1, &qname);
    const struct rrl_response response = {.class = class, .client = ip, .apex = &apex};
    return rrl_count(rrl, &mark, &response, now_s);
}

static struct counts
many(const struct rrl *rrl, const char *client, const char *name, unsigned count, int64_t now_s)
{
    struct counts counts = {{0}};
    for (unsigned i = 0; i < count; i++)
        counts.of[one(rrl, RRL_DATA, client, name, now_s)]++;
    return counts;
}

/* A window of a second: the rate passes in each, and no more. */
static void
rate_passes(void **state)
{
    struct rrl rrl = table(&plain);
    (void)state;
    for (int64_t second = 0; second < 5; second++) {
        struct counts c = many(&rrl, "198.51.100.7", "a.example", 1000, NOW + second);
        assert_int_equal(c.of[RRL_SEND], 10);
        assert_int_equal(c.of[RRL_SLIP], 495);
        assert_int_equal(c.of[RRL_DROP], 495);
    }
    rrl_unmap(&rrl);
}

/* A longer one: nothing more while the flood goes on, and all again a window after its end. */
static void
window(void **state)
{
    struct rate_conf conf = plain;
    conf.window_s = 5;
    conf.slip = 0;
    struct rrl rrl = table(&conf);
    (void)state;
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 1000, NOW).of[RRL_SEND], 10);
    for (int64_t second = 1; second < 4; second++) {
        struct counts c = many(&rrl, "198.51.100.7", "a.example", 1000, NOW + second);
        assert_int_equal(c.of[RRL_SEND], 0);
        assert_int_equal(c.of[RRL_DROP], 1000);
    }
    assert_int_equal(one(&rrl, RRL_DATA, "198.51.100.7", "a.example", NOW + 6), RRL_DROP);
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 5, NOW + 10).of[RRL_SEND], 5);
    /* Days later, and with the clock set back. */
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 20, NOW + 200000).of[RRL_SEND], 10);
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 20, NOW + 199990).of[RRL_SEND], 0);
    rrl_unmap(&rrl);
}

static void
slips(void **state)
{
    (void)state;
    for (uint32_t slip = 0; slip <= RATE_SLIP_MOST; slip++) {
        struct rate_conf conf = plain;
        conf.slip = slip;
        struct rrl rrl = table(&conf);
        struct counts c = many(&rrl, "198.51.100.7", "a.example", 10 + 720, NOW);
        assert_int_equal(c.of[RRL_SLIP], slip == 0 ? 0 : 720 / slip);
        rrl_unmap(&rrl);
    }
}

/* What has an account of its own, and what shares one. */
static void
accounts(void **state)
{
    static const char *const others[] = {"198.51.101.7", "2001:db8:0:1::7", "2001:db8:0:100::7"};
    struct rrl rrl = table(&plain);
    (void)state;
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 10, NOW).of[RRL_SEND], 10);
    assert_int_equal(one(&rrl, RRL_DATA, "198.51.100.250", "a.example", NOW) >= RRL_SLIP, 1);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(many(&rrl, others[i], "a.example", 10, NOW).of[RRL_SEND], 10);
    assert_true(one(&rrl, RRL_DATA, "2001:db8:0:ff::1", "a.example", NOW) >= RRL_SLIP);
    assert_int_equal(one(&rrl, RRL_NXDOMAIN, "198.51.100.7", "a.example", NOW), RRL_SEND);
    assert_int_equal(one(&rrl, RRL_NODATA, "198.51.100.7", "a.example", NOW), RRL_SEND);
    assert_int_equal(one(&rrl, RRL_ERROR, "198.51.100.7", "a.example", NOW), RRL_SEND);
    assert_int_equal(one(&rrl, RRL_DATA, "198.51.100.7", "b.example", NOW), RRL_SEND);
    rrl_unmap(&rrl);
}

/* A resolver that asks a blocklist for ever other names, nearly all of them not listed. */
static void
busy_resolver(void **state)
{
    struct rrl rrl = table(&plain);
    char name[32];
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        (void)snprintf(name, sizeof name, "n%u.example", i);
        assert_int_equal(
            one(&rrl, i % 10 == 0 ? RRL_DATA : RRL_NXDOMAIN, "198.51.100.7", name, NOW + i / 50000),
            RRL_SEND);
    }
    rrl_unmap(&rrl);
}

/* The limits over all names, off unless they are set. */
static void
wide_limits(void **state)
{
    static const struct {
        enum rrl_class class;
        size_t setting;
    } cases[] = {{RRL_NXDOMAIN, offsetof(struct rate_conf, nxdomains)},
        {RRL_NODATA, offsetof(struct rate_conf, nodata)},
        {RRL_ERROR, offsetof(struct rate_conf, errors)},
        {RRL_DATA, offsetof(struct rate_conf, all)}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        struct rate_conf conf = plain;
        conf.responses = 0;
        memcpy((uint8_t *)&conf + cases[k].setting, &(uint32_t){7}, sizeof(uint32_t));
        struct rrl rrl = table(&conf);
        unsigned sent = 0;
        for (unsigned i = 0; i < 100; i++) {
            char name[32];
            (void)snprintf(name, sizeof name, "n%u.example", i);
            sent += one(&rrl, cases[k].class, "198.51.100.7", name, NOW) == RRL_SEND;
        }
        assert_int_equal(sent, 7);
        assert_int_equal(
            one(&rrl, (cases[k].class + 1) % 4, "198.51.100.7", "x.example", NOW) == RRL_SEND,
            cases[k].class != RRL_DATA);
        rrl_unmap(&rrl);
    }
}

static void
exempt(void **state)
{
    struct prefix prefix = prefix_of(&(struct ip){.b = {0}}, 0);
    struct rate_conf conf = plain;
    (void)state;
    struct rrl rrl = table(&conf);
    assert_int_equal(many(&rrl, "127.0.0.1", "a.example", 100, NOW).of[RRL_SEND], 100);
    assert_int_equal(many(&rrl, "fd00::1", "a.example", 100, NOW).of[RRL_SEND], 100);
    rrl_unmap(&rrl);
    assert_int_equal(prefix_parse("198.51.100.0/25", 15, false, &prefix), ERR_OK);
    conf.exempt = &prefix;
    conf.exempt_count = 1;
    rrl = table(&conf);
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 100, NOW).of[RRL_SEND], 100);
    assert_int_equal(many(&rrl, "198.51.100.200", "a.example", 100, NOW).of[RRL_SEND], 10);
    assert_int_equal(many(&rrl, "127.0.0.1", "a.example", 100, NOW).of[RRL_SEND], 10);
    rrl_unmap(&rrl);
    conf = plain;
    conf.log_only = true;
    rrl = table(&conf);
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 100, NOW).of[RRL_NOTED], 90);
    rrl_unmap(&rrl);
    conf.responses = 0;
    rrl = table(&conf);
    assert_null(rrl.rows);
    assert_int_equal(many(&rrl, "198.51.100.7", "a.example", 100, NOW).of[RRL_SEND], 100);
}

/* Random names fill every slot; the account of a flood stays, since it is used all the time. */
static void
full_table(void **state)
{
    struct rate_conf conf = plain;
    conf.table = 1024;
    struct rrl rrl = table(&conf);
    unsigned sent = 0;
    (void)state;
    for (unsigned i = 0; i < 50000; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "n%u.example", i);
        (void)one(&rrl, RRL_NXDOMAIN, "203.0.113.9", name, NOW + i / 10000);
        sent += one(&rrl, RRL_DATA, "198.51.100.7", "a.example", NOW + i / 10000) == RRL_SEND;
    }
    assert_in_range(sent, 5 * 10, 5 * 10 + 50);
    rrl_unmap(&rrl);
}

/* Four processes on one table: together they send the rate. */
static void
several_workers(void **state)
{
    enum { WORKERS = 4 };
    struct rate_conf conf = plain;
    conf.responses = 1000;
    struct rrl rrl = table(&conf);
    unsigned sent = 0;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (unsigned i = 0; i < WORKERS; i++)
        if (fork() == 0) {
            unsigned own = many(&rrl, "198.51.100.7", "a.example", 100000, NOW).of[RRL_SEND];
            _exit(write(ends[1], &own, sizeof own) != sizeof own);
        }
    for (unsigned i = 0; i < WORKERS; i++) {
        unsigned own = 0;
        int status = 1;
        (void)wait(&status);
        assert_int_equal(status, 0);
        assert_int_equal(read(ends[0], &own, sizeof own), sizeof own);
        sent += own;
    }
    /* A response that loses the race for the account four times is not counted. */
    assert_in_range(sent, 1000, 1010);
    (void)close(ends[0]);
    (void)close(ends[1]);
    rrl_unmap(&rrl);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_passes),
        cmocka_unit_test(window),
        cmocka_unit_test(slips),
        cmocka_unit_test(accounts),
        cmocka_unit_test(busy_resolver),
        cmocka_unit_test(wide_limits),
        cmocka_unit_test(exempt),
        cmocka_unit_test(full_table),
        cmocka_unit_test(several_workers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

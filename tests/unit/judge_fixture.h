/* For the tests of judging over a history: a store, and DNS by what mail_days.h says. */
#ifndef TESTS_UNIT_JUDGE_FIXTURE_H
#define TESTS_UNIT_JUDGE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/judgedns.h"
#include "tests/unit/judge_thresholds.h"
#include "tests/unit/mail_days.h"

/* How many of so many random cases are to be run: CASES_ONE_IN=N in the environment leaves one of
 * N, where a run takes long and what counts is what it touches (tests/valgrind). */
static inline unsigned
cases_of(unsigned all)
{
    const char *text = getenv("CASES_ONE_IN");
    unsigned one_in = text == NULL ? 1 : (unsigned)strtoul(text, NULL, 10);
    return one_in > 1 ? (all + one_in - 1) / one_in : all;
}

#define SEED UINT64_C(20261124)

static struct conf conf = {.policy = {JUDGE_THRESHOLDS, .learn_sessions = 1, .learn_days = 1},
    .spf = {.lookup_limit = 10, .void_limit = 2}};

struct fixture {
    char root[64], path[96];
    struct history *history;
    struct kv_txn *txn;
    struct rdns *rdns;
    struct publicname *names;
    struct spf *spf;
    struct weights weights;
    struct errmsg msg;
};

static inline void
fixture_open(struct fixture *f)
{
    *f = (struct fixture){0};
    (void)strcpy(f->root, "/tmp/repdns-judge-XXXXXX");
    assert_non_null(mkdtemp(f->root));
    (void)snprintf(f->path, sizeof f->path, "%s/history.mdb", f->root);
    assert_int_equal(history_open(f->path, false, &f->history, &f->msg), ERR_OK);
    assert_int_equal(publicname_open(&f->names, &f->msg), ERR_OK);
    assert_int_equal(rdns_open(f->names, &f->rdns, &f->msg), ERR_OK);
    assert_int_equal(spf_open(&f->spf), ERR_OK);
    weights_shipped(&f->weights);
}

/* An empty history again. */
static inline void
fixture_renew(struct fixture *f)
{
    history_close(&f->history);
    assert_int_equal(unlink(f->path), 0);
    assert_int_equal(history_open(f->path, false, &f->history, &f->msg), ERR_OK);
}

static inline void
fixture_close(struct fixture *f)
{
    char command[128];
    history_close(&f->history);
    rdns_close(&f->rdns);
    publicname_close(&f->names);
    spf_close(&f->spf);
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", f->root);
    assert_int_equal(system(command), 0);
}

static inline void
put_answer(struct dnscache *cache, enum dns_type type, const struct dname *name, const void *rdata,
    size_t n)
{
    uint8_t record[2 + 512];
    record[0] = (uint8_t)(n >> 8);
    record[1] = (uint8_t)n;
    if (n > 0)
        memcpy(record + 2, rdata, n);
    assert_int_equal(dnscache_put(cache, type, name, n > 0 ? DNS_OK : DNS_NXDOMAIN, 86400, n > 0,
                         slice_of(record, n > 0 ? n + 2 : 0)),
        ERR_OK);
}

/* The reverse name of an address and what that and its HELO name resolve to. */
static inline void
put_client(struct dnscache *cache, unsigned number, unsigned address, unsigned day)
{
    const struct actor *actor = &actors[number];
    struct ip ip = days_ip(number, address);
    struct dname reverse, name;
    char text[128];
    bool renamed = actor->renamed > 0 && day >= actor->renamed;
    dns_reverse_name(&ip, &reverse);
    if (actor->rdns == DAYS_NO_NAME) {
        put_answer(cache, DNS_PTR, &reverse, NULL, 0);
        return;
    }
    days_text(actor, actor->rdns == DAYS_DYNAMIC ? "dyn-10-#.pool.isp.example" : "mail.s#.example",
        number, address, 0, renamed, text);
    assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
    put_answer(cache, DNS_PTR, &reverse, name.b, name.len);
    put_answer(cache, DNS_A, &name, ip.b + 12, 4);
}

static inline void
put_helo(struct dnscache *cache, const char *text)
{
    struct dname name;
    if (dname_parse(text, strlen(text), &name) == ERR_OK)
        put_answer(cache, DNS_A, &name, NULL, 0);
}

static inline void
put_all(struct dnscache *cache, unsigned day)
{
    static const char never[] = "v=spf1 -all";
    char text[128];
    put_helo(cache, "hotmail.com"); /* known to be none of the actors' */
    for (unsigned a = 0; a < ACTORS; a++) {
        for (unsigned i = 0; i < actors[a].addresses; i++)
            put_client(cache, a, i, day);
        for (unsigned i = 0; i < actors[a].helos && strchr(actors[a].helo, '@') != NULL; i++) {
            days_text(&actors[a], actors[a].helo, a, 0, i, false, text);
            put_helo(cache, text);
        }
        for (unsigned i = 0; actors[a].spf_fails && i < actors[a].senders; i++) {
            struct dname name;
            days_text(&actors[a], actors[a].sender, a, 0, i, false, text);
            assert_int_equal(dname_parse(text, strlen(text), &name), ERR_OK);
            put_answer(cache, DNS_TXT, &name, never, sizeof never - 1);
        }
    }
}

/* Judges everybody, or one, at the beginning of the day after "day", as the open transaction has
 * them. */
static inline void
judge_open(
    struct fixture *f, unsigned day, const struct ip *only, const struct judging_visitor *visitor)
{
    int64_t now_s = DAYS_0 + (int64_t)(day + 1) * DAY_S;
    struct dnscache *cache;
    struct spfpolicies *policies;
    assert_int_equal(dnscache_new(f->txn, now_s, &cache), ERR_OK);
    put_all(cache, day);
    struct judging_env env = {.conf = &conf,
        .txn = f->txn,
        .cache = cache,
        .spf = f->spf,
        .rdns = f->rdns,
        .names = f->names,
        .weights = &f->weights,
        .now_s = now_s,
        .offline = true};
    struct spf_dns dns = {.lookup = judgedns_ask_fresh, .ctx = &env};
    struct spf_limits limits = {.lookups = 10, .voids = 2};
    assert_int_equal(spfpolicies_new(&dns, &limits, &policies), ERR_OK);
    env.policies = policies;
    struct prefix alone = {0};
    if (only != NULL)
        alone = prefix_of(only, ip_bits(ip_family(only)));
    assert_int_equal(judging_walk(&env, only != NULL ? &alone : NULL, visitor), ERR_OK);
    spfpolicies_free(&policies);
    dnscache_free(&cache);
}

/* Likewise, as they are stored. */
static inline void
judge_day(
    struct fixture *f, unsigned day, const struct ip *only, const struct judging_visitor *visitor)
{
    assert_int_equal(kv_begin(history_kv(f->history), false, &f->txn, &f->msg), ERR_OK);
    judge_open(f, day, only, visitor);
    kv_abort(&f->txn);
}

#endif

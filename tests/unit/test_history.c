/* history.mdb: folding, walking, expiry, counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/history.h"

#define DAY INT64_C(86400)
#define T0  (DAY * 20000 + 3600)

struct fixture {
    char root[64], path[96];
    struct history *history;
    struct kv_txn *txn;
    struct errmsg msg;
    char walk[65536];
    size_t n;
    unsigned stop_after; /* callbacks; 0: never */
};

static int
setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    if (f == NULL)
        return -1;
    (void)strcpy(f->root, "/tmp/repdns-history-XXXXXX");
    if (mkdtemp(f->root) == NULL)
        return -1;
    (void)snprintf(f->path, sizeof f->path, "%s/history.mdb", f->root);
    *state = f;
    return history_open(f->path, false, &f->history, &f->msg) == ERR_OK ? 0 : -1;
}

static int
teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];

    kv_abort(&f->txn);
    history_close(&f->history);
    (void)snprintf(command, sizeof command, "rm -rf -- '%s'", f->root);
    (void)!system(command);
    free(f);
    return 0;
}

static void
begin(struct fixture *f, bool write)
{
    assert_int_equal(kv_begin(history_kv(f->history), write, &f->txn, &f->msg), ERR_OK);
}

static void
commit(struct fixture *f)
{
    assert_int_equal(kv_commit(&f->txn, &f->msg), ERR_OK);
}

static struct observation
seen(int64_t when_s, const char *ip, const char *helo, const char *sender)
{
    struct observation out = {.when_s = when_s};

    assert_int_equal(ip_parse(ip, strlen(ip), &out.client), ERR_OK);
    helo_set(&out.helo, helo, strlen(helo));
    out.sender = strcmp(sender, "<>") == 0    ? OBS_SENDER_NULL
                 : strcmp(sender, "bad") == 0 ? OBS_SENDER_BAD
                 : *sender == '\0'            ? OBS_SENDER_UNKNOWN
                                              : OBS_SENDER_DOMAIN;
    if (out.sender == OBS_SENDER_DOMAIN)
        assert_int_equal(dname_parse(sender, strlen(sender), &out.sender_domain), ERR_OK);
    return out;
}

static void
add(struct fixture *f, const struct observation *observation)
{
    begin(f, true);
    history_add(f->txn, observation);
    commit(f);
}

static enum err
note(struct fixture *f, const char *line)
{
    int n = snprintf(f->walk + f->n, sizeof f->walk - f->n, "%s\n", line);

    f->n += (size_t)n;
    return f->stop_after > 0 && --f->stop_after == 0 ? ERR_REFUSED : ERR_OK;
}

static enum err
on_client(void *ctx, const struct hist_client *c)
{
    char ip[IP_TEXT_SIZE], ptr[DNAME_TEXT_SIZE] = "", line[2048];

    ip_format(&c->ip, ip);
    if (c->ptr.len > 0)
        (void)dname_format(&c->ptr, ptr);
    (void)snprintf(line, sizeof line, "%s n%u a%u h%u +%u -%u d%u %lld..%lld p%d%s", ip,
        c->sessions, c->accepted, c->with_helo, c->ham, c->spam, c->days,
        (long long)(c->first_s - T0), (long long)(c->last_s - T0), c->ptr_seen, ptr);
    return note(ctx, line);
}

static void
format_use(char *line, size_t size, const struct ip *ip, const char *what, const char *name,
    const struct hist_use *use)
{
    char text[IP_TEXT_SIZE];

    ip_format(ip, text);
    (void)snprintf(line, size, " %s %s %s n%u %lld..%lld%s%s", text, what, name, use->count,
        (long long)(use->first_s - T0), (long long)(use->last_s - T0),
        use->null_sender ? " null" : "", use->has_spf ? reason_info(use->spf)->name : "");
    for (unsigned i = 0; i < OBS_SPF_COUNT; i++)
        if (use->spf_counts.of[i].weight > HIST_UNIT / 2) {
            size_t n = strlen(line);
            (void)snprintf(line + n, size - n, " %s%u", obs_spf_text((enum obs_spf)i),
                use->spf_counts.of[i].weight / HIST_UNIT);
        }
}

static enum err
on_helo(void *ctx, const struct ip *ip, const struct helo *helo, const struct hist_use *use)
{
    char name[HELO_MAX + 1] = "", line[2048];

    memcpy(name, helo->text, helo->len);
    format_use(line, sizeof line, ip, "helo", name, use);
    return note(ctx, line);
}

static enum err
on_pair(void *ctx, const struct ip *ip, const struct dname *domain, const struct hist_use *use)
{
    char name[DNAME_TEXT_SIZE], line[2048];

    (void)dname_format(domain, name);
    format_use(line, sizeof line, ip, "pair", name, use);
    return note(ctx, line);
}

static enum err
walk(struct fixture *f, const char *only)
{
    const struct history_visitor visitor = {on_client, on_helo, on_pair, f};
    struct ip ip = {{0}};

    f->n = 0;
    f->walk[0] = '\0';
    if (only != NULL)
        assert_int_equal(ip_parse(only, strlen(only), &ip), ERR_OK);
    begin(f, false);
    const struct prefix alone = prefix_of(&ip, ip_bits(ip_family(&ip)));
    enum err err = history_walk(f->txn, only == NULL ? NULL : &alone, &visitor);
    kv_abort(&f->txn);
    return err;
}

static void
expect(struct fixture *f, const char *only, const char *wanted)
{
    assert_int_equal(walk(f, only), ERR_OK);
    assert_string_equal(f->walk, wanted);
}

static void
folding(void **state)
{
    struct fixture *f = *state;
    struct observation one = seen(T0, "192.0.2.1", "MX.Example", "a.example");

    one.ptr_seen = OBS_PTR_VERIFIED;
    assert_int_equal(dname_parse("p.example", 9, &one.ptr), ERR_OK);
    add(f, &one);
    one.when_s += 10;
    one.label = OBS_HAM;
    one.spf = OBS_SPF_PASS;
    add(f, &one);
    one = seen(T0 + 20, "192.0.2.1", "other.example", "b.example");
    one.label = OBS_SPAM;
    add(f, &one);
    one = seen(T0 + 30, "192.0.2.1", "", "a.example");
    one.ptr_seen = OBS_PTR_NONE;
    add(f, &one);
    expect(f, NULL,
        "192.0.2.1 n4 a4 h3 +1 -1 d1 0..30 p1\n"
        " 192.0.2.1 helo mx.example n2 0..10\n"
        " 192.0.2.1 helo other.example n1 20..20\n"
        " 192.0.2.1 pair a.example n3 0..30spf-pass pass1\n"
        " 192.0.2.1 pair b.example n1 20..20\n");
}

static void
senders(void **state)
{
    struct fixture *f = *state;
    const struct observation all[] = {seen(T0, "192.0.2.1", "mx.example", "<>"),
        seen(T0, "192.0.2.1", "mx.example", "mx.example"), seen(T0, "192.0.2.2", "single", "<>"),
        seen(T0, "192.0.2.3", "[192.0.2.3]", "<>"), seen(T0, "192.0.2.4", "", "<>"),
        seen(T0, "192.0.2.5", "h.example", "bad"), seen(T0, "192.0.2.6", "h.example", "")};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        add(f, &all[i]);
    assert_int_equal(walk(f, NULL), ERR_OK);
    assert_non_null(strstr(f->walk, " 192.0.2.1 pair mx.example n2 0..0 null\n"));
    assert_null(strstr(strstr(f->walk, "192.0.2.2"), "pair"));
}

/* Attempts count as sessions, and say nothing: no HELO, no pair, no time. */
static void
attempts(void **state)
{
    struct fixture *f = *state;
    struct observation good = seen(T0, "192.0.2.1", "h.example", "a.example");
    struct observation bad = seen(T0 + 3 * DAY, "192.0.2.1", "x.example", "b.example");
    struct observation only = seen(T0 + DAY, "192.0.2.9", "x.example", "b.example");

    bad.outcome = only.outcome = OBS_ATTEMPT;
    add(f, &good);
    add(f, &bad);
    add(f, &only);
    only.when_s += 9 * DAY;
    add(f, &only);
    expect(f, NULL,
        "192.0.2.1 n2 a1 h1 +0 -0 d1 0..0 p0\n"
        " 192.0.2.1 helo h.example n1 0..0\n"
        " 192.0.2.1 pair a.example n1 0..0\n"
        "192.0.2.9 n2 a0 h0 +0 -0 d1 86400..86400 p0\n");
}

static void
days_and_totals(void **state)
{
    struct fixture *f = *state;
    static const int64_t at[] = {0, 10, DAY, DAY + 10, 3 * DAY, -DAY, -DAY + 5};
    struct hist_totals totals;

    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        struct observation one = seen(T0 + at[i], "192.0.2.1", i == 1 ? "" : "h.example", "<>");

        add(f, &one);
    }
    struct observation other = seen(T0 + DAY, "192.0.2.2", "", "<>");
    other.outcome = OBS_ATTEMPT;
    add(f, &other);
    assert_int_equal(walk(f, "192.0.2.1"), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.1 n7 a7 h6 +0 -0 d4 -86400..259200"));
    begin(f, false);
    assert_int_equal(history_totals(f->txn, &totals), ERR_OK);
    assert_int_equal(totals.sessions, 8);
    assert_int_equal(totals.accepted, 7);
    assert_int_equal(totals.accepted_with_helo, 6);
    assert_int_equal(totals.days, 4);
    assert_int_equal(totals.first_s, T0 - DAY);
    assert_int_equal(totals.last_s, T0 + 3 * DAY);
}

static void
walk_order(void **state)
{
    struct fixture *f = *state;
    static const char *const ips[] = {
        "2001:db8::2", "203.0.113.255", "32.1.13.184", "2001:db8::1", "1.2.3.4"};

    for (size_t i = 0; i < 5; i++) {
        struct observation one = seen(T0, ips[i], "h.example", "a.example");

        add(f, &one);
        one = seen(T0, ips[i], "g.example", "b.a.example");
        add(f, &one);
    }
    assert_int_equal(walk(f, NULL), ERR_OK);
    static const char *const order[] = {"1.2.3.4 n2", " 1.2.3.4 helo g", " 1.2.3.4 helo h",
        " 1.2.3.4 pair a", " 1.2.3.4 pair b.a", "32.1.13.184 n2", "203.0.113.255 n2",
        "2001:db8::1 n2", " 2001:db8::1 helo g", " 2001:db8::1 pair b.a", "2001:db8::2 n2",
        " 2001:db8::2 pair b.a.example"};
    const char *at = f->walk;
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        at = strstr(at, order[i]);
        if (at == NULL)
            fail_msg("not in order: %s\n%s", order[i], f->walk);
    }
    expect(f, "32.1.13.184",
        "32.1.13.184 n2 a2 h2 +0 -0 d1 0..0 p0\n"
        " 32.1.13.184 helo g.example n1 0..0\n"
        " 32.1.13.184 helo h.example n1 0..0\n"
        " 32.1.13.184 pair a.example n1 0..0\n"
        " 32.1.13.184 pair b.a.example n1 0..0\n");
    expect(f, "192.0.2.99", "");
    f->stop_after = 3;
    assert_int_equal(walk(f, NULL), ERR_REFUSED);
}

/* The longest names: HELOs of 255 bytes, domains of 255 bytes with IPv6 keys. */
static void
long_names(void **state)
{
    struct fixture *f = *state;
    char helo[301], name[254];

    memset(helo, 'h', 300);
    helo[300] = '\0';
    memset(name, 'a', 253);
    name[253] = '\0';
    for (size_t i = 63; i < 253; i += 64)
        name[i] = '.';
    struct observation one = seen(T0, "2001:db8::1", helo, name);
    add(f, &one);
    assert_int_equal(walk(f, NULL), ERR_OK);
    helo[HELO_MAX] = '\0';
    assert_non_null(strstr(f->walk, helo));
    assert_non_null(strstr(f->walk, name));
}

static void
expiry(void **state)
{
    struct fixture *f = *state;
    struct hist_totals totals;
    uint64_t dropped;

    begin(f, true);
    for (unsigned i = 0; i < 1000; i++) {
        char ip[32], helo[32];

        (void)snprintf(ip, sizeof ip, "10.0.%u.%u", i / 256, i % 256);
        (void)snprintf(helo, sizeof helo, "h%u.example", i);
        struct observation one = seen(T0 + i, ip, helo, "a.example");
        history_add(f->txn, &one);
    }
    struct observation old = seen(T0, "10.0.3.231", "old.example", "old.example");
    history_add(f->txn, &old);
    commit(f);
    begin(f, true);
    assert_int_equal(history_expire(f->txn, T0 + 999, &dropped), ERR_OK);
    assert_int_equal(history_totals(f->txn, &totals), ERR_OK);
    assert_int_equal(totals.domains, 1); /* of "old.example" nothing is left */
    commit(f);
    assert_int_equal(dropped, 999);
    expect(f, NULL,
        "10.0.3.231 n2 a2 h2 +0 -0 d1 0..999 p0\n"
        " 10.0.3.231 helo h999.example n1 999..999\n"
        " 10.0.3.231 pair a.example n1 999..999\n");
    begin(f, true);
    assert_int_equal(history_expire(f->txn, T0 + 999, &dropped), ERR_OK);
    assert_int_equal(dropped, 0);
}

static void
on_counter(void *ctx, const char *name, uint64_t value)
{
    char line[128];

    (void)snprintf(line, sizeof line, "%s=%llu", name, (unsigned long long)value);
    (void)note(ctx, line);
}

static void
counters(void **state)
{
    struct fixture *f = *state;

    begin(f, true);
    history_count(f->txn, "skipped-own-network", 2);
    history_count(f->txn, "lines", 7);
    history_count(f->txn, "skipped-own-network", 3);
    commit(f);
    begin(f, false);
    assert_int_equal(history_counters(f->txn, on_counter, f), ERR_OK);
    assert_string_equal(f->walk, "lines=7\nskipped-own-network=5\n");
}

static void
versions(void **state)
{
    struct fixture *f = *state;
    struct history *again = NULL;
    char missing[128];

    history_close(&f->history);
    assert_int_equal(history_open(f->path, true, &again, &f->msg), ERR_OK);
    history_close(&again);
    (void)snprintf(missing, sizeof missing, "%s/none.mdb", f->root);
    assert_int_equal(history_open(missing, true, &again, &f->msg), ERR_NOTFOUND);
    assert_null(again);
    assert_int_equal(history_open(f->path, false, &f->history, &f->msg), ERR_OK);
    begin(f, true);
    assert_int_equal(kv_put(f->txn, slice_of("Mformat", 7), slice_of("repdns history 9", 16)), 0);
    commit(f);
    history_close(&f->history);
    assert_int_equal(history_open(f->path, false, &f->history, &f->msg), ERR_FORMAT);
    assert_null(f->history);
    assert_non_null(strstr(f->msg.text, f->path));
    assert_null(strchr(f->msg.text, '\n'));
}

static void
put_old(struct fixture *f, const char *table_and_address, const char *name, const uint8_t *value,
    size_t n)
{
    char key[64];
    size_t key_n = 6 + strlen(name);

    memcpy(key, table_and_address, 6);
    memcpy(key + 6, name, strlen(name));
    assert_int_equal(kv_put(f->txn, slice_of(key, key_n), slice_of(value, n)), ERR_OK);
}

static struct hist_domain
domain_of(struct fixture *f, const char *name)
{
    struct dname domain;
    struct hist_domain out;

    assert_int_equal(dname_parse(name, strlen(name), &domain), ERR_OK);
    assert_int_equal(history_domain(f->txn, &domain, &out), ERR_OK);
    return out;
}

/* Every result that a service may log counts, of the pair and of the domain; what of a domain's
 * mail SPF passed for is its own, and only that. */
static void
spf_counts(void **state)
{
    struct fixture *f = *state;
    struct hist_domain domain;
    struct dname name;

    begin(f, true);
    for (unsigned spf = OBS_SPF_UNSEEN; spf < OBS_SPF_COUNT; spf++)
        for (unsigned i = 0; i < spf; i++) {
            struct observation one = seen(T0, "192.0.2.1", "h.example", "a.example");
            one.spf = (enum obs_spf)spf;
            one.label = OBS_SPAM;
            history_add(f->txn, &one);
        }
    commit(f);
    assert_int_equal(walk(f, NULL), ERR_OK);
    assert_non_null(strstr(f->walk, "none1 neutral2 pass3 fail4 softfail5 permerror6 temperror7"));
    begin(f, true);
    domain = domain_of(f, "a.example");
    assert_int_equal(domain.sessions, 28);
    assert_int_equal(domain.own, OBS_SPF_PASS);
    assert_int_equal(domain.weights[HIST_SPAM].weight, OBS_SPF_PASS * HIST_UNIT);
    assert_int_equal(domain.weights[HIST_ACTIVE].weight, HIST_UNIT);
    for (unsigned spf = OBS_SPF_UNSEEN; spf < OBS_SPF_COUNT; spf++)
        assert_int_equal(domain.spf_counts.of[spf].weight, spf * HIST_UNIT);
    assert_int_equal(hist_crowd_size(&domain.crowd, hist_day(T0)), 1);
    /* A report has no result of its own: the pair's last one was permerror, so it is nobody's. */
    struct observation report = seen(T0, "192.0.2.1", "", "a.example");
    report.outcome = OBS_REPORT;
    report.label = OBS_TRAP;
    history_add(f->txn, &report);
    assert_int_equal(domain_of(f, "a.example").weights[HIST_TRAP].weight, 0);
    /* An attempt is nothing, and a report alone makes no record. */
    struct observation attempt = seen(T0, "192.0.2.2", "", "b.example");
    attempt.outcome = OBS_ATTEMPT;
    attempt.spf = OBS_SPF_PASS;
    history_add(f->txn, &attempt);
    report = seen(T0, "192.0.2.2", "", "b.example");
    report.outcome = OBS_REPORT;
    report.label = OBS_HAM;
    history_add(f->txn, &report);
    assert_int_equal(dname_parse("b.example", 9, &name), ERR_OK);
    assert_int_equal(history_domain(f->txn, &name, &domain), ERR_NOTFOUND);
    /* Of a pair that SPF passed for, a report counts, and can be taken back. */
    attempt.outcome = OBS_ACCEPTED;
    history_add(f->txn, &attempt);
    history_add(f->txn, &report);
    assert_int_equal(domain_of(f, "b.example").weights[HIST_HAM].weight, HIST_UNIT);
    history_take_report(f->txn, &report);
    assert_int_equal(domain_of(f, "b.example").weights[HIST_HAM].weight, 0);
    commit(f);
}

/* Neither the day nor the time of an attempt counts, should it come first. */
static void
attempt_comes_first(void **state)
{
    struct fixture *f = *state;
    struct observation one = seen(T0, "192.0.2.1", "h.example", "a.example");

    begin(f, true);
    one.outcome = OBS_ATTEMPT;
    history_add(f->txn, &one);
    one.when_s += 5 * 86400;
    one.outcome = OBS_ACCEPTED;
    history_add(f->txn, &one);
    commit(f);
    assert_int_equal(walk(f, NULL), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.1 n2 a1 h1 +0 -0 d1 432000..432000 p0\n"));
}

/* A filter's verdicts on a client weigh no more on a day than a reporter's; people's words, traps
 * and other clients are not counted, and what is over is still a session. */
static void
filters_are_bounded(void **state)
{
    struct fixture *f = *state;
    unsigned over = 0;

    begin(f, true);
    for (unsigned i = 0; i < 300; i++) {
        static const enum obs_label labels[] = {OBS_SPAM, OBS_SPAM, OBS_HAM};
        struct observation one = seen(T0 + i, "192.0.2.1", "h.example", "a.example");
        one.label = labels[i % 3];
        one.by_filter = true;
        over += history_add_bounded(f->txn, &one, 30);
        one.label = OBS_UNLABELLED;
        assert_false(history_add_bounded(f->txn, &one, 30));
        one.label = OBS_SPAM;
        one.by_filter = false;
        one.client.b[15] = 2;
        assert_false(history_add_bounded(f->txn, &one, 30));
    }
    assert_int_equal(over, 270);
    struct observation one = seen(T0, "192.0.2.3", "", "a.example");
    one.label = OBS_SPAM;
    one.by_filter = true;
    assert_false(history_add_bounded(f->txn, &one, 30));
    one.client.b[15] = 1;
    one.when_s += 86400; /* the next day, and a late one of the day before */
    assert_false(history_add_bounded(f->txn, &one, 1));
    one.when_s -= 86400;
    assert_true(history_add_bounded(f->txn, &one, 1));
    one.outcome = OBS_REPORT;
    assert_true(history_add_bounded(f->txn, &one, 1));
    commit(f);
    assert_int_equal(walk(f, "192.0.2.1"), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.1 n602 a602 h600 +10 -21 d2"));
    assert_int_equal(walk(f, "192.0.2.2"), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.2 n300 a300 h300 +0 -300 d1"));
    assert_int_equal(walk(f, "192.0.2.3"), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.3 n1 a1 h0 +0 -1 d1"));
}

/* Thousands of forged mails and reports: the owner's own record is as it was. */
static void
forgers_do_not_harm_a_domain(void **state)
{
    struct fixture *f = *state;
    char ip[32];

    begin(f, true);
    struct observation one = seen(T0, "192.0.2.1", "mx.owner.example", "owner.example");
    one.spf = OBS_SPF_PASS;
    history_add(f->txn, &one);
    const struct hist_domain before = domain_of(f, "owner.example");
    for (unsigned i = 0; i < 2000; i++) {
        static const enum obs_spf results[] = {
            OBS_SPF_FAIL, OBS_SPF_UNSEEN, OBS_SPF_SOFTFAIL, OBS_SPF_TEMPERROR};
        (void)snprintf(ip, sizeof ip, "10.0.%u.%u", i / 256, i % 256);
        one = seen(T0 + i, ip, "pc", "owner.example");
        one.spf = results[i % 4];
        one.label = i % 3 == 0 ? OBS_TRAP : OBS_SPAM;
        history_add(f->txn, &one);
        one.outcome = OBS_REPORT;
        one.spf = OBS_SPF_UNSEEN;
        history_add(f->txn, &one);
    }
    const struct hist_domain after = domain_of(f, "owner.example");
    assert_int_equal(after.own, before.own);
    assert_memory_equal(after.weights, before.weights, sizeof after.weights);
    assert_int_equal(after.sessions, 2001);
    assert_true(hist_crowd_size(&after.crowd, hist_day(T0)) > 1000);
    commit(f);
}

/* Within a tenth, as long as there are not too many; two windows, then nobody. */
static void
crowds(void **state)
{
    (void)state;
    for (unsigned wanted = 1; wanted <= 512; wanted *= 2) {
        struct hist_crowd crowd = {0};
        for (unsigned i = 0; i < wanted * 3; i++) {
            struct ip ip = ip_from_v4(0x0a000000 + i % wanted * 7919);
            hist_crowd_add(&crowd, &ip, 20010);
        }
        uint32_t size = hist_crowd_size(&crowd, 20010);
        assert_in_range(size, wanted - wanted / 8 - (wanted > 8), wanted + wanted / 8 + 1);
        assert_int_equal(hist_crowd_size(&crowd, 20010 + HIST_WINDOW_DAYS), size);
        assert_int_equal(hist_crowd_size(&crowd, 20010 + 2 * HIST_WINDOW_DAYS), 0);
        /* One that comes late, one that comes next, and one that comes too late. */
        struct ip late = ip_from_v4(1), next = ip_from_v4(2);
        hist_crowd_add(&crowd, &next, 20010 + HIST_WINDOW_DAYS);
        hist_crowd_add(&crowd, &late, 20010);
        hist_crowd_add(&crowd, &late, 20010 - HIST_WINDOW_DAYS);
        assert_in_range(hist_crowd_size(&crowd, 20010 + HIST_WINDOW_DAYS), size, size + 8);
        assert_in_range(hist_crowd_size(&crowd, 20010 + 2 * HIST_WINDOW_DAYS), 1, 1);
    }
    /* Who has a /64 is one. */
    struct hist_crowd crowd = {0};
    for (unsigned i = 0; i < 1000; i++) {
        struct ip ip;
        char text[64];
        (void)snprintf(text, sizeof text, "2001:db8::%x:1", i);
        assert_int_equal(ip_parse(text, strlen(text), &ip), ERR_OK);
        hist_crowd_add(&crowd, &ip, 20000);
    }
    assert_int_equal(hist_crowd_size(&crowd, 20000), 1);
}

/* What version 2 wrote is the same but for the domains, which are made of the pairs. */
static void
migration_of_pairs(void **state)
{
    struct fixture *f = *state;
    struct hist_totals totals;
    struct dname helo;
    struct hist_domain domain;
    uint8_t old[52] = {0};

    begin(f, true);
    for (unsigned i = 0; i < 600; i++) {
        char ip[32], name[32];
        (void)snprintf(ip, sizeof ip, "10.0.%u.%u", i / 256, i % 256);
        (void)snprintf(name, sizeof name, "d%u.example", i % 300);
        struct observation one = seen(T0 + i, ip, "h.example", i % 2 == 0 ? "all.example" : name);
        history_add(f->txn, &one);
    }
    struct observation null_sender = seen(T0, "192.0.2.1", "mx.example", "<>");
    history_add(f->txn, &null_sender);
    for (unsigned i = 0; i < 300; i++) {
        char name[32];
        uint8_t key[DNAME_KEY_MAX + 1] = {HISTORY_DOMAIN};
        struct dname one;
        (void)snprintf(name, sizeof name, i == 0 ? "all.example" : "d%u.example", i);
        assert_int_equal(dname_parse(name, strlen(name), &one), ERR_OK);
        (void)kv_del(f->txn, slice_of(key, 1 + dname_key(&one, key + 1)));
    }
    (void)kv_put(f->txn, slice_of("Mtotals", 7), slice_of(old, sizeof old));
    (void)kv_put(f->txn, slice_of("Mformat", 7), slice_of("repdns history 2", 16));
    commit(f);
    history_close(&f->history);
    assert_int_equal(history_open(f->path, true, &f->history, &f->msg), ERR_FORMAT);
    assert_int_equal(history_open(f->path, false, &f->history, &f->msg), ERR_OK);
    begin(f, false);
    assert_int_equal(history_totals(f->txn, &totals), ERR_OK);
    assert_int_equal(totals.domains, 1 + 150);
    domain = domain_of(f, "all.example");
    assert_int_equal(domain.sessions, 300);
    assert_int_equal(domain.own, 0);
    assert_int_equal(domain.weight.weight, 300 * HIST_UNIT);
    assert_int_equal(domain.first_s, T0);
    assert_int_equal(domain.last_s, T0 + 598);
    assert_in_range(hist_crowd_size(&domain.crowd, hist_day(T0)), 250, 350);
    assert_int_equal(domain_of(f, "d7.example").sessions, 2);
    assert_int_equal(dname_parse("mx.example", 10, &helo), ERR_OK);
    assert_int_equal(history_domain(f->txn, &helo, &domain), ERR_NOTFOUND);
    kv_abort(&f->txn);
}

/* What version 1 wrote: first, last, sessions, accepted, with HELO, ham, spam, days, reverse name.
 */
static void
migration(void **state)
{
    struct fixture *f = *state;
    const struct observation one = seen(T0, "192.0.2.200", "h.example", "a.example");
    uint8_t old[16 + 24 + 2 + 11] = {0}, use[22] = {0}, totals[44] = {0};
    static const uint8_t numbers[] = {9, 8, 7, 1, 2, 5};
    struct hist_totals now;

    old[6] = use[6] = old[14] = use[14] = 0x6d; /* about T0 */
    for (size_t i = 0; i < 6; i++)
        old[16 + 4 * i + 3] = numbers[i];
    old[40] = OBS_PTR_VERIFIED;
    old[41] = 11;
    memcpy(old + 42, "\001p\007example", 11);
    use[19] = 8;
    use[20] = 2;
    use[21] = REASON_SPF_PASS;
    totals[7] = 9;
    begin(f, true);
    put_old(f, "c\004\300\000\002\001", "", old, sizeof old);
    put_old(f, "h\004\300\000\002\001", "mx.example", use, sizeof use);
    (void)kv_put(f->txn, slice_of("Mtotals", 7), slice_of(totals, sizeof totals));
    (void)kv_put(f->txn, slice_of("Mformat", 7), slice_of("repdns history 1", 16));
    commit(f);
    history_close(&f->history);
    assert_int_equal(history_open(f->path, true, &f->history, &f->msg), ERR_FORMAT);
    assert_non_null(strstr(f->msg.text, "repdns-load observe"));
    assert_int_equal(history_open(f->path, false, &f->history, &f->msg), ERR_OK);
    assert_int_equal(walk(f, NULL), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.1 n9 a8 h7 +1 -2 d5"));
    assert_non_null(strstr(f->walk, "p3p.example\n"));
    assert_non_null(strstr(f->walk, " 192.0.2.1 helo mx.example n8"));
    begin(f, false);
    assert_int_equal(history_totals(f->txn, &now), ERR_OK);
    assert_int_equal(now.clients, 1);
    assert_int_equal(now.domains, 0);
    kv_abort(&f->txn);
    add(f, &one); /* and it goes on */
    assert_int_equal(walk(f, "192.0.2.200"), ERR_OK);
}

/* A weight is read as it is on a day; the order of what is added on a day says nothing. */
static void
weights(void **state)
{
    struct hist_weight a = {0}, b = {0};

    (void)state;
    hist_weight_add(&a, 100, 4, 14);
    assert_int_equal(hist_weight_on(&a, 100, 14), 4 * HIST_UNIT);
    assert_int_equal(hist_weight_on(&a, 114, 14), 2 * HIST_UNIT);
    assert_int_equal(hist_weight_on(&a, 90, 14), 4 * HIST_UNIT);
    for (int32_t day = 100; day < 400; day++)
        assert_true(hist_weight_on(&a, day + 1, 14) <= hist_weight_on(&a, day, 14));
    hist_weight_add(&a, 114, 1, 14);
    assert_int_equal(hist_weight_on(&a, 114, 14), 3 * HIST_UNIT);
    hist_weight_add(&b, 114, 1, 14);
    hist_weight_add(&b, 100, 4, 14);
    assert_int_equal(a.weight, b.weight);
    hist_weight_add(&a, 114, UINT32_MAX, 14);
    assert_int_equal(a.weight, UINT32_MAX);
}

/* However many names an address makes up, and however many addresses there are. */
static void
bounds(void **state)
{
    struct fixture *f = *state;
    struct hist_totals totals;
    uint64_t dropped;
    char name[32];

    begin(f, true);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "h%d.example", i);
        struct observation one =
            seen(T0 + i, "192.0.2.1", i % 2 == 0 ? "steady.example" : name, name);
        history_add(f->txn, &one);
    }
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof name, "10.0.%d.%d", i / 256, i % 256);
        struct observation one = seen(T0 + i, name, "h.example", "a.example");
        one.outcome = i % 4 == 0 ? OBS_ACCEPTED : OBS_ATTEMPT;
        one.label = i == 500 ? OBS_SPAM : OBS_UNLABELLED;
        history_add(f->txn, &one);
    }
    assert_int_equal(history_trim(f->txn, 200, 14, &dropped), ERR_OK);
    assert_int_equal(dropped, 1001 - 180 + 1001 - 180); /* and domains */
    assert_int_equal(history_totals(f->txn, &totals), ERR_OK);
    assert_int_equal(totals.clients, 180);
    assert_int_equal(totals.domains, 180);
    assert_int_equal(domain_of(f, "a.example").sessions, 250); /* the one with the most */
    commit(f);
    assert_int_equal(walk(f, "192.0.2.1"), ERR_OK);
    unsigned lines = 0;
    for (const char *at = f->walk; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    assert_int_equal(lines, 1 + 2 * HISTORY_NAMES_MAX);
    assert_non_null(strstr(f->walk, "helo steady.example n500 "));
    assert_int_equal(walk(f, NULL), ERR_OK);
    assert_non_null(strstr(f->walk, "10.0.1.244 n1")); /* the one with a report */
    assert_null(strstr(f->walk, "10.0.1.245 "));       /* an attempt alone */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folding, setup, teardown),
        cmocka_unit_test_setup_teardown(senders, setup, teardown),
        cmocka_unit_test_setup_teardown(attempts, setup, teardown),
        cmocka_unit_test_setup_teardown(days_and_totals, setup, teardown),
        cmocka_unit_test_setup_teardown(walk_order, setup, teardown),
        cmocka_unit_test_setup_teardown(long_names, setup, teardown),
        cmocka_unit_test_setup_teardown(expiry, setup, teardown),
        cmocka_unit_test_setup_teardown(counters, setup, teardown),
        cmocka_unit_test(weights),
        cmocka_unit_test_setup_teardown(migration, setup, teardown),
        cmocka_unit_test_setup_teardown(migration_of_pairs, setup, teardown),
        cmocka_unit_test_setup_teardown(spf_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(forgers_do_not_harm_a_domain, setup, teardown),
        cmocka_unit_test(crowds),
        cmocka_unit_test_setup_teardown(attempt_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds, setup, teardown),
        cmocka_unit_test_setup_teardown(versions, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

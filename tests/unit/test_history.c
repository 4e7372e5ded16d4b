/* history.mdb: folding, walking, expiry, bounds, counters. */
#include "tests/unit/history_fixture.h"

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
    assert_non_null(strstr(f->walk, " 192.0.2.1 pair mx.example n2 0..0 null-too\n"));
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
/* Spam and ham each, so that a flood of one leaves the other its room. */
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
    assert_int_equal(over, 200 - 30 + 100 - 30);
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
    assert_non_null(strstr(f->walk, "192.0.2.1 n602 a602 h600 +30 -31 d2"));
    assert_int_equal(walk(f, "192.0.2.2"), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.2 n300 a300 h300 +0 -300 d1"));
    assert_int_equal(walk(f, "192.0.2.3"), ERR_OK);
    assert_non_null(strstr(f->walk, "192.0.2.3 n1 a1 h0 +0 -1 d1"));
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

/* Sums over all names of an address, folded ones too. */
static void
sum_uses(struct fixture *f, const char *table, unsigned *lines, unsigned *sessions)
{
    *lines = *sessions = 0;
    for (const char *at = f->walk; (at = strstr(at, table)) != NULL; at++) {
        const char *end = strchr(at, '\n'), *folded = strstr(at, " folded");

        ++*lines;
        *sessions += (unsigned)strtoul(strstr(at, " n") + 2, NULL, 10);
        if (folded != NULL && folded < end)
            *sessions += (unsigned)strtoul(folded + 7, NULL, 10);
    }
}

/* Names that give way are counted with another one of their class: form, provider and country. */
static void
names_give_way(void **state)
{
    static const struct {
        const char *before, *after;
    } helos[] = {{"mx", ".a.example"}, {"198.18.0.", ""}, {"mx", ".isp.de"}},
      senders[] = {{"s", ".example"}, {"s", ".de"}, {"s", ".hotmail.com"}};
    struct fixture *f = *state;
    unsigned lines, sessions;
    char helo[32], sender[32];

    begin(f, true);
    for (unsigned i = 0; i < 240; i++) {
        /* One of each first, of which there are no more for long. */
        unsigned kind = i < 3 ? i : i < 200 ? 0 : 1 + i % 2;
        (void)snprintf(helo, sizeof helo, "%s%u%s", helos[kind].before, i, helos[kind].after);
        (void)snprintf(
            sender, sizeof sender, "%s%u%s", senders[kind].before, i, senders[kind].after);
        struct observation one = seen(T0 + i, "192.0.2.1", helo, sender);
        one.spf = OBS_SPF_PASS;
        history_add(f->txn, &one);
    }
    commit(f);
    assert_int_equal(walk(f, NULL), ERR_OK);
    sum_uses(f, " helo ", &lines, &sessions);
    assert_int_equal(lines, HISTORY_NAMES_MAX);
    assert_int_equal(sessions, 240);
    sum_uses(f, " pair ", &lines, &sessions);
    assert_int_equal(lines, HISTORY_NAMES_MAX);
    assert_int_equal(sessions, 240);
    assert_non_null(strstr(f->walk, " helo 198.18.0.1 n1 "));
    assert_non_null(strstr(f->walk, " helo mx2.isp.de n1 "));
    assert_non_null(strstr(f->walk, " pair s1.de n1 "));
    assert_non_null(strstr(f->walk, " pair s2.hotmail.com n1 "));
    assert_non_null(strstr(f->walk, ".a.example n1 63..63 folded176 weight176\n"));
    assert_non_null(strstr(f->walk, ".example n1 63..63spf-pass folded176 weight176 pass177\n"));
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
        cmocka_unit_test_setup_teardown(attempt_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(filters_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(names_give_way, setup, teardown),
        cmocka_unit_test_setup_teardown(bounds, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

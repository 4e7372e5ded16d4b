/* history.mdb: records of sender domains, and crowds. */
#include "tests/unit/history_fixture.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(spf_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(forgers_do_not_harm_a_domain, setup, teardown),
        cmocka_unit_test(crowds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

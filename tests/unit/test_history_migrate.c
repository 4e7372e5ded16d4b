/* history.mdb: versions, and what older ones wrote. */
#include "tests/unit/history_fixture.h"

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

/* What version 3 wrote is read as it is; of a filter's verdicts it had one number. */
static void
migration_of_3(void **state)
{
    struct fixture *f = *state;
    struct observation one = seen(T0, "192.0.2.1", "h.example", "a.example");
    static const char walked[] = "192.0.2.1 n1 a1 h1 +0 -1 d1 0..0 p0\n"
                                 " 192.0.2.1 helo h.example n1 0..0\n"
                                 " 192.0.2.1 pair a.example n1 0..0\n";

    begin(f, true);
    struct slice key = slice_of("c\004\300\000\002\001", 6), value;
    uint8_t old[512];

    one.by_filter = true;
    one.label = OBS_SPAM;
    assert_false(history_add_bounded(f->txn, &one, 1));
    assert_int_equal(kv_get(f->txn, key, &value), ERR_OK);
    memcpy(old, value.p, value.n);
    (void)kv_put(f->txn, key, slice_of(old, value.n - 4));
    (void)kv_put(f->txn, slice_of("Mformat", 7), slice_of("repdns history 3", 16));
    commit(f);
    history_close(&f->history);
    assert_int_equal(history_open(f->path, true, &f->history, &f->msg), ERR_FORMAT);
    assert_int_equal(history_open(f->path, false, &f->history, &f->msg), ERR_OK);
    expect(f, NULL, walked);
    begin(f, true);
    assert_true(history_add_bounded(f->txn, &one, 1));
    kv_abort(&f->txn);
    history_close(&f->history);
    assert_int_equal(history_open(f->path, true, &f->history, &f->msg), ERR_OK);
    expect(f, NULL, walked);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(migration, setup, teardown),
        cmocka_unit_test_setup_teardown(migration_of_pairs, setup, teardown),
        cmocka_unit_test_setup_teardown(migration_of_3, setup, teardown),
        cmocka_unit_test_setup_teardown(versions, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Habits and neighbours on the whole way: seen, judged, published, explained. */
#include "tests/unit/whole_fixture.h"

#include "tools/dumpline.h"

/* Hosts named in a row, each in its own way: their numbers are as far apart as the addresses. */
static void
name_row(struct whole *w, unsigned first, unsigned count)
{
    for (unsigned i = first; i < first + count; i++) {
        char address[32], name[64];
        (void)snprintf(address, sizeof address, "192.0.2.%u", i);
        (void)snprintf(name, sizeof name, "town%u.isp.example", i);
        whole_reverse(w, address, name);
        whole_seen(w, address, name, NULL, 3, OBS_UNLABELLED);
    }
}

/* The name alone is a host's own; that its neighbours are named alike makes it one of a row. */
static void
neighbours_make_a_row(void **state)
{
    struct whole w;
    char prefix[64];
    (void)state;
    whole_open(&w, "");
    name_row(&w, 10, 4);
    whole_reverse(&w, "192.0.2.77", "mail.other.example");
    whole_seen(&w, "192.0.2.77", "mail.other.example", NULL, 3, OBS_UNLABELLED);
    whole_reverse(&w, "198.51.100.10", "town10.other.example");
    whole_seen(&w, "198.51.100.10", "town10.other.example", NULL, 3, OBS_UNLABELLED);
    whole_judge(&w);
    (void)whole_explain(&w, "192.0.2.11", false);
    whole_expect(&w, "generic-static (neighbours named alike)");
    whole_expect(&w, "rdns-static -2");
    assert_false(whole_has(&w, "192.0.2.11", REASON_SCORE, prefix));
    /* Neither one of another name beside them, nor one of such a name elsewhere. */
    assert_null(strstr(whole_explain(&w, "192.0.2.77", false), "rdns-static"));
    assert_null(strstr(whole_explain(&w, "198.51.100.10", false), "rdns-static"));
    whole_close(&w);
}

/* Less than a row says nothing. */
static void
two_neighbours_are_no_row(void **state)
{
    struct whole w;
    (void)state;
    whole_open(&w, "");
    name_row(&w, 10, 3);
    whole_judge(&w);
    assert_null(strstr(whole_explain(&w, "192.0.2.11", false), "rdns-static"));
    whole_close(&w);
}

/* A server that greets with two names in turn: explained, and nothing worse. One that ever makes up
 * new ones, of many organisations, has the reason. */
static void
names_in_turn(void **state)
{
    struct whole w;
    char prefix[64], helo[32];
    (void)state;
    whole_open(&w, "");
    whole_reverse(&w, "192.0.2.1", "mail.a.example");
    whole_reverse(&w, "192.0.2.2", NULL);
    for (unsigned day = 12; day > 0; day--) {
        const char *name = day % 2 == 0 ? "mail.a.example" : "mx.a.example";
        whole_seen(&w, "192.0.2.1", name, NULL, day, OBS_UNLABELLED);
        (void)snprintf(helo, sizeof helo, "pc.org%u.example", day);
        const struct dname made_up = name_of(helo);
        whole_dns(&w, DNS_A, &made_up, NULL, 0);
        whole_seen(&w, "192.0.2.2", helo, NULL, 1, OBS_UNLABELLED);
    }
    whole_judge(&w);
    assert_false(whole_has(&w, "192.0.2.1", REASON_HELO_CHURN, prefix));
    (void)whole_explain(&w, "192.0.2.1", false);
    whole_expect(&w, "HELO names in 30 days: 2, 2 of them new");
    whole_expect(&w, "up to 2 in turn");
    assert_true(whole_has(&w, "192.0.2.2", REASON_HELO_CHURN, prefix));
    (void)whole_explain(&w, "192.0.2.2", false);
    whole_expect(&w, "helo-churn");
    whole_expect(&w, "of 12 organisations");
    whole_close(&w);
}

/* More names than are kept apart are told with those that they gave way to. */
static void
names_that_gave_way(void **state)
{
    struct whole w;
    struct errmsg msg;
    char name[32];
    size_t size;
    (void)state;
    whole_open(&w, "");
    for (unsigned i = 0; i < HISTORY_NAMES_MAX + 36; i++) {
        (void)snprintf(name, sizeof name, "pc%u.org.example", i);
        whole_seen(&w, "192.0.2.1", name, name, 1, OBS_UNLABELLED);
    }
    struct observation bounce = {.when_s = NOW_S - DAY_S, .client = ip_of("192.0.2.1")};
    helo_set(&bounce.helo, name, strlen(name));
    history_add(w.txn, &bounce);
    bounce.sender = OBS_SENDER_NULL;
    history_add(w.txn, &bounce);
    whole_judge(&w);
    (void)whole_explain(&w, "192.0.2.1", false);
    whole_expect(
        &w, "resolves to the client: not known, 1 times, and 36 times other names like it");
    whole_expect(&w, "spf not known, 1 times, and 36 times other names like it");
    whole_expect(&w, "spf not known (also as HELO of a null sender), 2 times");
    free(w.text);
    FILE *out = open_memstream(&w.text, &size);
    assert_non_null(out);
    assert_int_equal(dump_history(&(struct dumpline){.out = out}, w.conf, &msg), ERR_OK);
    assert_int_equal(fclose(out), 0);
    whole_expect(&w, " count 1 folded 36 first ");
    whole_expect(&w, " null-sender sender-too\n");
    whole_close(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_make_a_row),
        cmocka_unit_test(two_neighbours_are_no_row),
        cmocka_unit_test(names_in_turn),
        cmocka_unit_test(names_that_gave_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Reports on mails: whose client, which of several attached ones, once and up to a bound. */
#include "loader/report.h"
#include "tests/unit/observe_fixture.h"

#define DATE "Tue, 24 Nov 2026 09:00:00 +0000"
#define FROM_CLIENT(ip, id)                                                                        \
    "Received: from h.example (h.example [" ip "])\r\n\tby mx (Postfix) with ESMTP id " id         \
    ";\r\n " DATE "\r\n"
#define BY_USER                                                                                    \
    "Received: from pc (pc [198.51.100.9])\r\n\tby mx (Postfix) with ESMTPSA id 9;\r\n " DATE "\r" \
    "\n"
#define BODY "Subject: x\r\n\r\nbody\r\n"
#define ONE  FROM_CLIENT("203.0.113.7", "1") BODY
#define TWO  FROM_CLIENT("203.0.113.8", "2") BODY

static struct report_counts
tell(struct fixture *f, enum obs_label label, const char *reporter, const char *mail)
{
    const struct report report = {.label = label, .reporter = reporter, .now_s = NOW};
    struct report_counts counts;

    assert_int_equal(report_mail(f->history, &f->conf, &report, (struct text){mail, strlen(mail)},
                         &counts, &f->msg),
        ERR_OK);
    return counts;
}

static enum err
keep(void *ctx, const struct hist_client *client)
{
    *(struct hist_client *)ctx = *client;
    return ERR_OK;
}

/* All zero: not known. */
static struct hist_client
client_of(struct fixture *f, const char *address)
{
    struct hist_client out = {0};
    const struct history_visitor visitor = {.client = keep, .ctx = &out};
    struct kv_txn *txn;
    struct ip ip;

    assert_int_equal(ip_parse(address, strlen(address), &ip), ERR_OK);
    assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
    assert_int_equal(history_walk(txn, &(struct prefix){ip, 32}, &visitor), ERR_OK);
    kv_abort(&txn);
    return out;
}

static int
setup_bound(void **state)
{
    int failed = setup(state);
    struct fixture *f = *state;

    f->conf.policy.reports_per_day = 3;
    return failed;
}

/* A label alone: no session, and no more of it than one. */
static void
once(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tell(f, OBS_SPAM, "u", ONE).counted, 1);
    assert_int_equal(tell(f, OBS_SPAM, "v", ONE).known, 1);
    struct hist_client client = client_of(f, "203.0.113.7");
    assert_int_equal(client.spam, 1);
    assert_int_equal(client.sessions, 0);
    assert_int_equal(client.accepted, 0);
    assert_int_equal(client.weights[HIST_SPAM].weight, HIST_UNIT);
}

/* Ham wins whichever came first. */
static void
ham_wins(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tell(f, OBS_SPAM, "u", ONE).counted, 1);
    assert_int_equal(tell(f, OBS_HAM, "u", ONE).counted, 1);
    assert_int_equal(tell(f, OBS_SPAM, "u", ONE).known, 1);
    struct hist_client client = client_of(f, "203.0.113.7");
    assert_int_equal(client.spam, 0);
    assert_int_equal(client.ham, 1);
    assert_int_equal(client.weights[HIST_SPAM].weight, 0);
    assert_int_equal(client.weights[HIST_HAM].weight, HIST_UNIT);
    assert_int_equal(tell(f, OBS_TRAP, "t", TWO).counted, 1);
    assert_int_equal(tell(f, OBS_HAM, "t", TWO).known, 1);
    assert_int_equal(client_of(f, "203.0.113.8").weights[HIST_TRAP].weight, HIST_UNIT);
}

static void
bound(void **state)
{
    struct fixture *f = *state;
    char mail[512];
    unsigned counted = 0, over = 0;

    for (unsigned i = 0; i < 5; i++) {
        (void)snprintf(mail, sizeof mail,
            "Received: from h (h [203.0.113.7]) by mx with ESMTP id %u; " DATE "\n\n", i);
        struct report_counts counts = tell(f, OBS_SPAM, "u", mail);

        counted += counts.counted;
        over += counts.too_many;
    }
    assert_int_equal(counted, 3);
    assert_int_equal(over, 2);
    assert_int_equal(client_of(f, "203.0.113.7").spam, 3);
    assert_int_equal(tell(f, OBS_SPAM, "v", mail).counted, 1);
}

#define PARTS(wrapper)                                                                             \
    wrapper "Content-Type: multipart/mixed;\r\n boundary=\"=_b\"\r\n\r\n--=_b\r\nContent-Type: "   \
            "text/plain\r\n\r\nsee below\r\n--=_b\r\nContent-Type: message/rfc822\r\n\r\n" ONE     \
            "\r\n--=_b\r\nContent-Type: message/rfc822; name=x\r\n\r\n" TWO "\r\n--=_b--\r\n"

static void
attached(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tell(f, OBS_SPAM, "u", PARTS(BY_USER)).counted, 2);
    assert_int_equal(client_of(f, "203.0.113.7").spam, 1);
    assert_int_equal(client_of(f, "203.0.113.8").spam, 1);
    assert_int_equal(tell(f, OBS_HAM, "u", "Content-Type: message/rfc822\n\n" ONE).counted, 1);
    assert_int_equal(client_of(f, "203.0.113.7").spam, 0);
}

/* What a stranger has attached to his own mail is not what is reported. */
static void
forged(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tell(f, OBS_SPAM, "u", PARTS(FROM_CLIENT("203.0.113.99", "3"))).counted, 1);
    assert_int_equal(client_of(f, "203.0.113.99").spam, 1);
    assert_int_equal(client_of(f, "203.0.113.7").spam, 0);
    /* A line that cannot be read may be our border's. */
    assert_int_equal(tell(f, OBS_SPAM, "u", PARTS("Received: nonsense\r\n")).counted, 0);
}

static void
no_report(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(tell(f, OBS_SPAM, "u", BY_USER BODY).inside, 1);
    assert_int_equal(tell(f, OBS_SPAM, "u", "").inside, 1);
    assert_int_equal(tell(f, OBS_SPAM, "u",
                         "Received: from h (h [203.0.113.7]) by mx with ESMTP id 1; "
                         "Tue, 24 Mar 2026 09:00:00 +0000\n\n")
                         .too_old,
        1);
    assert_int_equal(client_of(f, "203.0.113.7").spam, 0);
}

/* Hashes of mails and reporters go with the retention. */
static void
expiry(void **state)
{
    struct fixture *f = *state;
    struct kv_txn *txn;
    struct kv_cursor *cursor;
    struct slice key, value;
    uint64_t dropped;

    assert_int_equal(tell(f, OBS_SPAM, "u", ONE).counted, 1);
    assert_int_equal(kv_begin(history_kv(f->history), true, &txn, &f->msg), ERR_OK);
    assert_int_equal(history_expire(txn, NOW + 1, &dropped), ERR_OK);
    assert_int_equal(dropped, 1);
    assert_int_equal(kv_cursor_open(txn, slice_of("o", 1), &cursor), ERR_OK);
    assert_int_equal(kv_cursor_next(cursor, &key, &value), ERR_NOTFOUND);
    kv_cursor_close(&cursor);
    kv_abort(&txn);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(once, setup_bound, teardown),
        cmocka_unit_test_setup_teardown(ham_wins, setup_bound, teardown),
        cmocka_unit_test_setup_teardown(bound, setup_bound, teardown),
        cmocka_unit_test_setup_teardown(attached, setup_bound, teardown),
        cmocka_unit_test_setup_teardown(forged, setup_bound, teardown),
        cmocka_unit_test_setup_teardown(no_report, setup_bound, teardown),
        cmocka_unit_test_setup_teardown(expiry, setup_bound, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Joining the lines of a log into mails, and who is never judged. */
#include "tests/unit/observe_fixture.h"

/* -- joining -- */

static void
one_for_each_mail(void **state)
{
    struct fixture *f = *state;

    /* Two recipients; a second mail in the session; another queued again later. */
    put(f, "mail.log", "w",
        AT "postfix/smtpd[5]: connect from a.example[192.0.2.1]\n" AT "postfix/smtpd[5]: " INFO
           "a.example[192.0.2.1]: f" FROM("s@d.example") AT
        "postfix/smtpd[5]: " INFO "a.example[192.0.2.1]: f" FROM2("s@d.example") AT
        "postfix/smtpd[5]: AAAAAA1: client=a.example[192.0.2.1]\n" AT
        "postfix/smtpd[5]: AAAAAA1: info: RCPT from a.example[192.0.2.1]: f" FROM("s@d.example")
            QUEUE("AAAAAA1", "s@d.example") AT "postfix/smtpd[5]: " INFO
                                               "a.example[192.0.2.1]: f" FROM("") AT
        "postfix/smtpd[5]: AAAAAA2: client=a.example[192.0.2.1]\n" QUEUE("AAAAAA2", "") AT
        "postfix/smtpd[5]: disconnect from a.example[192.0.2.1] ehlo=1\n" QUEUE(
            "AAAAAA1", "s@d.example") QUEUE("AAAAAA2", ""));
    run_expect(f, 12, 2);
    expect(f, "192.0.2.1 2/2 a.example\n h h.example 2\n p d.example 1\n p h.example 1 <>\n");
}

/* Two clients of one pid number on two hosts, queue lines after disconnect, no INFO line. */
static void
kept_apart(void **state)
{
    struct fixture *f = *state;

    put(f, "mail.log", "w",
        "Nov 24 09:00:01 m1 postfix/smtpd[5]: " INFO "unknown[192.0.2.1]: f" FROM(
            "s@a.example") "Nov 24 09:00:01 m2 postfix/smtpd[5]: " INFO
                           "unknown[192.0.2.2]: f" FROM(
                               "s@b.example") "Nov 24 09:00:02 m1 postfix/smtpd[5]: AAAAAA1: "
                                              "client=unknown[192.0.2.1]\n"
                                              "Nov 24 09:00:02 m2 postfix/smtpd[5]: AAAAAA1: "
                                              "client=unknown[192.0.2.2]\n"
                                              "Nov 24 09:00:02 m2 postfix/smtpd[5]: disconnect "
                                              "from unknown[192.0.2.2]\n"
                                              "Nov 24 09:00:03 m2 postfix/qmgr[9]: AAAAAA1: "
                                              "from=<s@b.example>, size=1, nrcpt=1 (queue "
                                              "active)\n"
                                              "Nov 24 09:00:04 m1 postfix/qmgr[9]: AAAAAA1: "
                                              "from=<s@a.example>, size=1, nrcpt=1 (queue "
                                              "active)\n"
                                              "Nov 24 09:00:05 m1 postfix/smtpd[6]: BBBBBB1: "
                                              "client=unknown[192.0.2.3]\n"
                                              "Nov 24 09:00:05 m1 postfix/qmgr[9]: BBBBBB1: "
                                              "from=<s@c.example>, size=1, nrcpt=1 (queue "
                                              "active)\n");
    run_expect(f, 9, 3);
    expect(f, "192.0.2.1 1/1 none\n h h.example 1\n p a.example 1\n"
              "192.0.2.2 1/1 none\n h h.example 1\n p b.example 1\n"
              "192.0.2.3 1/1 none\n p c.example 1\n");
}

/* Rejects: one attempt for each sender; one recipient rejected and another accepted is no attempt.
 */
static void
rejects(void **state)
{
    struct fixture *f = *state;
#define REJ "postfix/smtpd[5]: NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 x"
    put(f, "mail.log", "w",
        AT
        "postfix/smtpd[5]: connect from unknown[192.0.2.1]\n" AT
        "postfix/smtpd[5]: NOQUEUE: reject: EHLO from unknown[192.0.2.1]: 504 <U>: x; proto=SMTP "
        "helo=<U>\n" AT REJ FROM("s@a.example") AT REJ FROM2("s@a.example")
            AT REJ FROM("s@b.example") AT REJ FROM("s@c.example") AT
        "postfix/smtpd[5]: AAAAAA1: client=unknown[192.0.2.1]\n" QUEUE("AAAAAA1", "s@c.example") AT
        "postfix/smtpd[5]: BBBBBB1: client=unknown[192.0.2.1]\n" AT
        "postfix/smtpd[5]: BBBBBB1: milter-reject: DATA from unknown[192.0.2.1]: 550 x" FROM(
            "s@d.example") AT
        "postfix/smtpd[5]: disconnect from unknown[192.0.2.1]\n"
        /* Postscreen: its pid serves many at once. */
        AT "postfix/postscreen[7]: PREGREET 6 after 0 from [192.0.2.9]:4: EHLO x\\r\\n\n" AT
        "postfix/postscreen[7]: NOQUEUE: reject: RCPT from [192.0.2.8]:5: 550 x; "
        "from=<s@a.example>, to=<r@t>, proto=ESMTP, helo=<h.example>\n" AT
        "postfix/postscreen[7]: NOQUEUE: reject: RCPT from [192.0.2.9]:4: 550 x; "
        "from=<s@a.example>, to=<r@t>, proto=ESMTP, helo=<h.example>\n" AT
        "postfix/postscreen[7]: DISCONNECT [192.0.2.9]:4\n" AT
        "postfix/postscreen[7]: DISCONNECT [192.0.2.8]:5\n"
        "Nov 24 09:30:00 mx postfix/smtpd[6]: connect from unknown[192.0.2.7]\n");
    /* BBBBBB1 waits for qmgr and then is an attempt too. */
    run_expect(f, 17, 6);
    expect(f, "192.0.2.1 1/4 none\n h h.example 1\n p c.example 1\n192.0.2.8 0/1\n192.0.2.9 0/1\n");
}

/* A mail of another sender after a rejected one, without an INFO line for it. */
static void
rejected_then_accepted(void **state)
{
    struct fixture *f = *state;

    put(f, "mail.log", "w",
        AT REJ FROM("s@bad.example") AT
        "postfix/smtpd[5]: AAAAAA1: client=unknown[192.0.2.1]\n" QUEUE(
            "AAAAAA1", "s@good.example"));
    run_expect(f, 3, 2);
    expect(f, "192.0.2.1 1/2 none\n h h.example 1\n p good.example 1\n");
}

static void
ptr_states(void **state)
{
    struct fixture *f = *state;

    put(f, "mail.log", "w",
        AT
        "postfix/smtpd[5]: warning: hostname b.example does not resolve to address 192.0.2.1\n" AT
        "postfix/smtpd[5]: connect from unknown[192.0.2.1]\n" AT
        "postfix/smtpd[5]: AAAAAA1: client=unknown[192.0.2.1]\n" QUEUE("AAAAAA1", "s@a.example") AT
        "postfix/smtpd[5]: disconnect from unknown[192.0.2.1]\n" AT
        "postfix/smtpd[5]: connect from unknown[192.0.2.2]\n" AT
        "postfix/smtpd[5]: AAAAAA2: client=unknown[192.0.2.2]\n" QUEUE("AAAAAA2", "s@a.example") AT
        "postfix/smtpd[6]: AAAAAA3: client=mx.example[192.0.2.3]\n" QUEUE(
            "AAAAAA3", "s@a.example"));
    run_expect(f, 10, 3);
    expect(f, "192.0.2.1 1/1 unverified b.example\n p a.example 1\n"
              "192.0.2.2 1/1 none\n p a.example 1\n192.0.2.3 1/1 mx.example\n p a.example 1\n");
}

#define SPF(result, ip, sender)                                                                    \
    AT "policyd-spf[3]: : prepend Received-SPF: " result                                           \
       " (mailfrom) identity=mailfrom; client-ip=" ip "; helo=h.example; envelope-from=" sender    \
       "; receiver=r\n"

/* Before the mail, after it, and of another. */
static void
spf_results(void **state)
{
    struct fixture *f = *state;

    put(f, "mail.log", "w",
        SPF("Pass", "192.0.2.1", "s@a.example") AT
        "postfix/smtpd[5]: AAAAAA1: client=unknown[192.0.2.1]\n" QUEUE("AAAAAA1", "s@a.example") AT
        "postfix/smtpd[5]: AAAAAA2: client=unknown[192.0.2.2]\n" QUEUE("AAAAAA2", "s@a.example")
            SPF("Softfail", "192.0.2.2", "s@a.example") AT
        "postfix/smtpd[5]: AAAAAA3: client=unknown[192.0.2.3]\n" QUEUE("AAAAAA3", "s@a.example")
            SPF("Fail", "192.0.2.3", "s@b.example"));
    run_expect(f, 9, 3);
    expect(f, "192.0.2.1 1/1 none\n p a.example 1 spf-pass\n"
              "192.0.2.2 1/1 none\n p a.example 1 spf-softfail\n"
              "192.0.2.3 1/1 none\n p a.example 1\n");
}

/* More open sessions than the table holds: the oldest end early, and none is lost. */
static void
full_table(void **state)
{
    struct fixture *f = *state;
    char path[128];
    FILE *out = fopen(at(f, "mail.log", path), "w");

    assert_non_null(out);
    for (unsigned i = 0; i < 9000; i++)
        assert_true(
            fprintf(out,
                AT "postfix/smtpd[%u]: NOQUEUE: reject: RCPT from unknown[203.0.%u.%u]: 550 "
                   "x; from=<s@a.example> to=<r@t> proto=ESMTP helo=<h>\n",
                i + 1, i / 250, i % 250) > 0);
    assert_int_equal(fclose(out), 0);
    run_expect(f, 9000, 9000 - 4096);
    run_nothing_new(f);
    put(f, "mail.log", "a", "Nov 24 10:00:02 mx postfix/smtpd[1]: connect from unknown[unknown]\n");
    run_expect(f, 1, 4096);
    assert_int_equal(sessions_total(f), 9000);
}

/* -- who is never judged -- */

static void
on_counter(void *ctx, const char *name, uint64_t value)
{
    char line[128];

    (void)snprintf(line, sizeof line, "%s=%llu", name, (unsigned long long)value);
    (void)add_line(ctx, line);
}

static void
never_judged(void **state)
{
    struct fixture *f = *state;
    struct prefix own = {ip_from_v4(0xc6336400), 24}, relay = {ip_from_v4(0xcb007119), 32},
                  never = {ip_from_v4(0xc0000209), 32};
    struct kv_txn *txn;

    f->conf.own_networks = &own;
    f->conf.own_network_count = 1;
    f->conf.trusted_relays = &relay;
    f->conf.trusted_relay_count = 1;
    f->conf.never_list = &never;
    f->conf.never_count = 1;
    put(f, "mail.log", "w",
        AT "postfix/smtpd[1]: AAAAAA1: client=unknown[198.51.100.7]\n" QUEUE("AAAAAA1", "s@a.e") AT
        "postfix/smtpd[2]: AAAAAA2: client=unknown[203.0.113.25]\n" QUEUE("AAAAAA2", "s@a.e") AT
        "postfix/smtpd[3]: AAAAAA3: client=unknown[10.1.2.3]\n" QUEUE("AAAAAA3", "s@a.e") AT
        "postfix/smtpd[4]: AAAAAA4: client=unknown[fe80::1]\n" QUEUE("AAAAAA4", "s@a.e") AT
        "postfix/submission/smtpd[5]: AAAAAA5: client=unknown[192.0.2.5]\n" QUEUE(
            "AAAAAA5", "s@a.e") AT
        "postfix/smtps/smtpd[6]: NOQUEUE: reject: RCPT from unknown[192.0.2.6]: x" FROM("a@b") AT
        "postfix/smtps/smtpd[6]: disconnect from unknown[192.0.2.6]\n" AT
        "postfix/smtpd[7]: AAAAAA7: client=u[192.0.2.7], sasl_method=LOGIN, "
        "sasl_username=u\n" QUEUE("AAAAAA7", "s@a.e") AT
        "postfix/smtpd[8]: NOQUEUE: reject: RCPT from unknown[192.0.2.8]: 550 x" FROM("a@b") AT
        "postfix/smtpd[8]: disconnect from unknown[192.0.2.8] ehlo=1 auth=1 rcpt=0/1\n" AT
        "postfix/smtpd[10]: AAAAA10: client=localhost[127.0.0.1]\n" QUEUE("AAAAA10", "s@a.e") AT
        "postfix/smtpd[11]: AAAAA11: client=localhost[::1]\n" QUEUE("AAAAA11", "s@a.e") AT
        "postfix/dkimmilter/smtpd[12]: AAAAA12: client=x[192.0.2.12]\n" QUEUE("AAAAA12", "s@a.e") AT
        "postfix/amavisd/smtpd[13]: AAAAA13: client=x[192.0.2.13]\n" QUEUE("AAAAA13", "s@a.e")
        /* On the never list: judged nowhere, but seen. */
        AT "postfix/smtpd[9]: AAAAAA9: client=n.example[192.0.2.9]\n" QUEUE("AAAAAA9", "s@a.e"));
    run(f);
    assert_int_equal(f->stats.sessions, 13);
    assert_int_equal(f->stats.observed, 1);
    assert_int_equal(f->stats.skipped, 12);
    expect(f, "192.0.2.9 1/1 n.example\n p a.e 1\n");
    f->n = 0;
    assert_int_equal(kv_begin(history_kv(f->history), false, &txn, &f->msg), ERR_OK);
    assert_int_equal(history_counters(txn, on_counter, f), ERR_OK);
    kv_abort(&txn);
    assert_string_equal(f->got,
        "log-lines=26\nlog-observed=1\nlog-sessions=13\nskipped-authenticated=2\n"
        "skipped-own-network=1\nskipped-re-injection=4\nskipped-special-address=2\n"
        "skipped-submission=2\nskipped-trusted-relay=1\n");
}

/* A clock that was wrong for a while: what it dated would not fade before that day. */
static void
from_the_future(void **state)
{
    struct fixture *f = *state;

    put(f, "mail.log", "w",
        "2026-11-24T09:00:00+00:00 mx postfix/smtpd[1]: AAAAAA1: client=unknown[192.0.2.1]\n"
        "2026-11-24T09:00:01+00:00 mx postfix/qmgr[9]: AAAAAA1: from=<s@a.e>, size=1, nrcpt=1 "
        "(queue active)\n"
        "2027-11-24T09:00:00+00:00 mx postfix/smtpd[1]: AAAAAA2: client=unknown[192.0.2.2]\n"
        "2027-11-24T09:00:01+00:00 mx postfix/qmgr[9]: AAAAAA2: from=<s@a.e>, size=1, nrcpt=1 "
        "(queue active)\n"
        "2026-11-24T09:05:00+00:00 mx postfix/smtpd[1]: AAAAAA3: client=unknown[192.0.2.3]\n"
        "2026-11-24T09:05:01+00:00 mx postfix/qmgr[9]: AAAAAA3: from=<s@a.e>, size=1, nrcpt=1 "
        "(queue active)\n");
    run(f);
    assert_int_equal(f->stats.observed, 2);
    assert_int_equal(f->stats.skipped, 1);
    expect(f, "192.0.2.1 1/1 none\n p a.e 1\n192.0.2.3 1/1 none\n p a.e 1\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_for_each_mail),
        TEST(kept_apart),
        TEST(rejects),
        TEST(rejected_then_accepted),
        TEST(ptr_states),
        TEST(spf_results),
        TEST(full_table),
        TEST(never_judged),
        TEST(from_the_future),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

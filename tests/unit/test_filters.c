/* Verdict lines of rspamd and amavis, and the sessions that they belong to. */
#include "loader/src_amavis.h"
#include "loader/src_rspamd.h"
#include "tests/unit/log_lines.h"

#define TASK "<f81a2c>; proxy; rspamd_task_write_log: id: <m@b.e>, "
#define MAIL TASK "qid: <4XyZ12Abc>, ip: 192.0.2.1, from: <s@b.e>, "
#define SPAM "(default: T (add header): [9.10/15.00] [BAYES_SPAM(5.1){100.00%;}]), len: 9"
#define HAM  "(default: F (no action): [-0.10/15.00] [MIME_GOOD(-0.1){text/plain;}]), len: 9"

static void
rspamd(void **state)
{
    static const struct message cases[] = {
        {MAIL SPAM, "class /4XyZ12Abc - 192.0.2.1 0  b.e"},
        {MAIL HAM, "class /4XyZ12Abc - 192.0.2.1 0  b.e"},
        {MAIL "(default: T (reject): [16.00/15.00] [])", "class /4XyZ12Abc - 192.0.2.1 0  b.e"},
        {TASK "qid: <4XyZ12Abc>, ip: 2001:db8::1, user: u, from: <>, " SPAM,
            "class* /4XyZ12Abc - 2001:db8::1 0  <>"},
        {TASK "ip: 192.0.2.1, from: <s@b.e>, " SPAM, "class / - 192.0.2.1 0  b.e"},
        /* No word about the message's class. */
        {MAIL "(default: F (no action): [3.20/15.00] [])", NULL},
        {MAIL "(default: F (soft reject): [3.20/15.00] [])", NULL},
        {MAIL "(default: S (no action): [0.00/15.00] [])", NULL},
        {MAIL "(default: F (greylist): [4.20/15.00] [])", NULL},
        {TASK "from: <s@b.e>, " SPAM, NULL},
        {"<f81a2c>; proxy; proxy_accept_socket: accepted milter connection", NULL},
        /* A message id, a sender, a symbol's text made to look like fields. */
        {"<f81a2c>; proxy; rspamd_task_write_log: id: <x>, qid: <AAAAAA>, ip: 192.0.2.9, from: "
         "<v@bank.e>, (default: F (no action): [-9.00/15.00] [])>, qid: <4XyZ12Abc>, ip: "
         "192.0.2.1, from: <s@b.e>, " SPAM,
            NULL},
        {"<f81a2c>; proxy; rspamd_task_write_log: id: <x>, ip: 192.0.2.9, y>, ip: 192.0.2.1, " SPAM,
            NULL},
        {TASK "qid: <4XyZ12Abc>, ip: 192.0.2.1, from: <\"x>, qid: <AAAAAA\"@b.e>, " SPAM, NULL},
        {MAIL "(default: T (add header): [9/15] [X(1){ (default: F (no action): [-1/15] ;}])",
            NULL},
    };

    (void)state;
    CHECK(rspamd_parse, cases);
}

#define FROM " [192.0.2.1]:4711 [203.0.113.9] <s@b.e> -> <r@t.e>,"
#define REST FROM " Queue-ID: 4XyZ12Abc, Message-ID: <m@b.e>, mail_id: aB-c, Hits: "

static void
amavis(void **state)
{
    static const struct message cases[] = {
        {"(01234-05) Passed CLEAN {RelayedInbound}," REST "-1.9, size: 9, 500 ms",
            "class /4XyZ12Abc - 192.0.2.1 0  b.e"},
        {"(01234-05-2) Blocked SPAM {DiscardedInbound,Quarantined}," REST "19.2, size: 9",
            "class /4XyZ12Abc - 192.0.2.1 0  b.e"},
        {"(01234-05) Passed SPAMMY {RelayedTaggedInbound}, [IPv6:2001:db8::1]:25 <> -> <r@t.e>, "
         "Hits: 7",
            "class / - 2001:db8::1 0  <>"},
        {"(01234-05) Passed CLEAN, [192.0.2.1] [192.0.2.1] <s@b.e> -> <r@t.e>, Hits: 0, size: 9",
            "class / - 192.0.2.1 0  b.e"},
        /* Without XFORWARD the client is the MTA. */
        {"(01234-05) Passed SPAM {RelayedTaggedInbound}, [127.0.0.1] <s@b.e> -> <r@t.e>, "
         "Queue-ID: 4XyZ12Abc, Hits: 9",
            "class /4XyZ12Abc - - 0  b.e"},
        {"(01234-05) Passed CLEAN {RelayedInbound}," REST "2.1, size: 9", NULL},
        {"(01234-05) Passed CLEAN {RelayedInbound}," REST "-, size: 9", NULL},
        {"(01234-05) Passed CLEAN {RelayedOutbound}, MYNETS LOCAL" REST "-1, size: 9", NULL},
        {"(01234-05) Passed CLEAN {RelayedInternal}," REST "-1, size: 9", NULL},
        {"(01234-05) Passed CLEAN, LOCAL" REST "-1, size: 9", NULL},
        {"(01234-05) Blocked INFECTED (Eicar) {DiscardedInbound}," REST "-, size: 9", NULL},
        {"(01234-05) Passed BAD-HEADER {RelayedInbound}," REST "1, size: 9", NULL},
        {"(01234-05) Checking: x", NULL},
        /* A message id made to look like fields. */
        {"(01234-05) Passed CLEAN {RelayedInbound}," FROM
         " Message-ID: <x, Hits: -5, size: 1>, Hits: 4.2, size: 9",
            NULL},
        {"(01234-05) Blocked SPAM {DiscardedInbound}," FROM
         " Queue-ID: 4XyZ12Abc, Message-ID: <x, Queue-ID: AAAAAA, y>, Hits: 9",
            "class / - 192.0.2.1 0  b.e"},
    };

    (void)state;
    CHECK(amavis_parse, cases);
}

static void
labels(void **state)
{
    struct log_event event;

    (void)state;
    rspamd_parse(text_of(MAIL SPAM), &event);
    assert_int_equal(event.label, OBS_SPAM);
    rspamd_parse(text_of(MAIL HAM), &event);
    assert_int_equal(event.label, OBS_HAM);
    amavis_parse(text_of("(1-2) Passed CLEAN {RelayedInbound}," REST "-1, size: 9"), &event);
    assert_int_equal(event.label, OBS_HAM);
    amavis_parse(text_of("(1-2) Passed SPAM {RelayedInbound}," REST "9, size: 9"), &event);
    assert_int_equal(event.label, OBS_SPAM);
}

#define P      "\nNov 24 09:00:00 mx postfix/smtpd[7]: "
#define Q      "\nNov 24 09:00:01 mx postfix/qmgr[8]: "
#define R      "\nNov 24 09:00:01 mx rspamd[9]: "
#define LATE   "\nNov 24 09:01:00 mx amavis[9]: (01234-05) "
#define CLIENT P "4XyZ12Abc: client=a.e[192.0.2.1]"
#define QUEUED Q "4XyZ12Abc: from=<s@b.e>, size=1, nrcpt=1 (queue active)"

static void
joined(void **state)
{
    (void)state;
    /* A milter speaks before the mail is queued. */
    check_log(LOG_POSTFIX, CLIENT R MAIL SPAM QUEUED, "+ 192.0.2.1 +a.e  b.e spam\n");
    check_log(LOG_POSTFIX, CLIENT R MAIL HAM QUEUED, "+ 192.0.2.1 +a.e  b.e ham\n");
    check_log(LOG_POSTFIX,
        CLIENT R MAIL SPAM P
        "4XyZ12Abc: milter-reject: END-OF-MESSAGE from a.e[192.0.2.1]: 5.7.1 x; "
        "from=<s@b.e> to=<r@t.e> proto=ESMTP helo=<h.e>",
        "- 192.0.2.1 +a.e h.e b.e spam\n");
    /* A content filter after it, in time and too late. */
    check_log(LOG_POSTFIX,
        CLIENT QUEUED "\nNov 24 09:00:03 mx amavis[9]: (01234-05) Passed SPAM "
                      "{RelayedTaggedInbound}," REST "9, size: 9",
        "+ 192.0.2.1 +a.e  b.e spam\n");
    check_log(LOG_POSTFIX,
        CLIENT QUEUED P "connect from c.e[192.0.2.3]" LATE
                        "Passed SPAM {RelayedTaggedInbound}," REST "9, size: 9",
        "+ 192.0.2.1 +a.e  b.e\n= 192.0.2.1 -  b.e spam\n");
    /* Somebody else's address with the queue id: not believed. */
    check_log(LOG_POSTFIX,
        CLIENT R TASK "qid: <4XyZ12Abc>, ip: 192.0.2.9, from: <s@b.e>, " SPAM QUEUED,
        "+ 192.0.2.1 +a.e  b.e\n");
    /* In a file of its own. */
    check_log(LOG_RSPAMD,
        "2026-11-24 09:00:00 #174(rspamd_proxy) " MAIL SPAM
        "\n2026-11-24 09:00:00.123 #174(rspamd_proxy) <x>; proxy; proxy_accept_socket: accepted"
        "\nNov 24 09:00:00 mx rspamd[9]: " TASK "ip: 192.0.2.1, user: u, from: <s@b.e>, " HAM,
        "= 192.0.2.1 -  b.e spam\n= 192.0.2.1 -  b.e authenticated ham\n");
    check_log(LOG_AMAVIS,
        "Nov 24 09:00:00 mx amavis[9]: (01234-05) Passed SPAM {RelayedTaggedInbound}," REST "9",
        "= 192.0.2.1 -  b.e spam\n");
}

#define TO(sender, recipient)                                                                      \
    P "NOQUEUE: reject: RCPT from a.e[192.0.2.1]: 550 no; from=<" sender "> to=<" recipient        \
      "> proto=ESMTP helo=<h.e>"

static void
traps(void **state)
{
    static char one[] = "Trap@t.e", all[] = "@old.e";
    static char *const addresses[] = {one, all};
    static const char *const lines[] = {TO("s@b.e", "trap@t.e"), TO("s@c.e", "x@OLD.e"),
        TO("", "trap@t.e"), TO("s@d.e", "xtrap@t.e"), TO("s@f.e", "x@veryold.e"),
        TO("s@g.e", "r@t.e> to=<trap@t.e")};
    struct seen seen;
    struct sessions *sessions = sessions_of(&seen);

    (void)state;
    sessions_traps(sessions, addresses, 2);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(
            logsource_of(LOG_POSTFIX)(sessions, text_of(lines[i] + 1), NOW, 0), ERR_OK);
    end_sessions(&sessions, LOG_POSTFIX);
    assert_string_equal(seen.text, "- 192.0.2.1 +a.e h.e b.e trap\n- 192.0.2.1 +a.e h.e c.e trap\n"
                                   "- 192.0.2.1 +a.e h.e <>\n- 192.0.2.1 +a.e h.e d.e\n"
                                   "- 192.0.2.1 +a.e h.e f.e\n- 192.0.2.1 +a.e h.e g.e\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rspamd),
        cmocka_unit_test(amavis),
        cmocka_unit_test(labels),
        cmocka_unit_test(joined),
        cmocka_unit_test(traps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

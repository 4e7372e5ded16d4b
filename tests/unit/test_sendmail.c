/* Messages of Sendmail, and what its logs yield. */
#include "tests/unit/log_lines.h"

#include "loader/src_sendmail.h"

#define ID   "s1P819mk027713: "
#define FROM ID "from=<s@b.e>, size=108, class=0, nrcpts=1, "
#define END  "proto=ESMTP, daemon=MTA, relay="

static void
programs(void **state)
{
    static const char *const ours[] = {"sendmail", "sm-mta", "sm-acceptingconnections"};
    static const char *const others[] = {
        "sm-msp-queue", "postfix/smtpd", "smtpd", "", "mimedefang"};

    (void)state;
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
        assert_true(sendmail_program(text_of(ours[i])));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(sendmail_program(text_of(others[i])));
}

static void
mails(void **state)
{
    static const struct message cases[] = {
        {FROM "msgid=<x@y>, bodytype=8BITMIME, " END "a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {FROM END "a.e [192.0.2.1] (may be forged)",
            "accept /s1P819mk027713 ?a.e 192.0.2.1 0  b.e"},
        {FROM END "[192.0.2.1]", "accept /s1P819mk027713 0 192.0.2.1 0  b.e"},
        {FROM END "[192.0.2.1] (may be forged)", "accept /s1P819mk027713 - 192.0.2.1 0  b.e"},
        {FROM END "[IPv6:2001:db8::1]", "accept /s1P819mk027713 0 2001:db8::1 0  b.e"},
        {FROM END "a.e [IPv6:2001:db8:0:0:0:0:0:1]",
            "accept /s1P819mk027713 +a.e 2001:db8::1 0  b.e"},
        {FROM END "IDENT:nobody@a.e [192.0.2.1]", "accept /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {FROM "proto=ESMTPSA, daemon=MSA, relay=a.e [192.0.2.1]",
            "accept^ /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {FROM "proto=ESMTPSA, daemon=MSA, tls_verify=NO, auth=PLAIN, relay=a.e [192.0.2.1]",
            "accept*^ /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {FROM "msgid=<x, auth=PLAIN>, " END "a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {"from=<>, size=1, class=-60, nrcpts=2, " END "a.e [192.0.2.1]",
            "accept / +a.e 192.0.2.1 0  <>"},
        {ID "from=<s@b.e>, size=0, class=0, nrcpts=0, " END "a.e [192.0.2.1]",
            "reject /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {ID "from=root, size=1, class=0, nrcpts=1, " END "a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  bad"},
        {ID "from=root, size=1, class=0, nrcpts=1, msgid=<x@y>, relay=root@localhost", NULL},
        {ID "from=<>, size=1, class=0, nrcpts=1, relay=[RESPONSE]", NULL},
        {ID "to=<r@t.e>, delay=00:00:04, pri=30000, relay=mx.e. [192.0.2.7], stat=Sent", NULL},
        {"Milter: data, reject=550 5.7.1 spam", NULL},
        {ID "Milter: data, reject=550 5.7.1 spam", "revoke /s1P819mk027713 - - 0  -"},
        {ID "AUTH=server, relay=a.e [192.0.2.1], authid=u, mech=LOGIN, bits=0",
            "auth* /s1P819mk027713 +a.e 192.0.2.1 0  -"},
        {ID "AUTH failure (LOGIN): authentication failure (-13), user=u, relay=[192.0.2.1]", NULL},
    };

    (void)state;
    CHECK(sendmail_parse, cases);
}

#define RULE ID "ruleset=check_"

static void
rejects(void **state)
{
    static const struct message cases[] = {
        {RULE "rcpt, arg1=<r@t.e>, relay=a.e [192.0.2.1], reject=550 5.7.1 <r@t.e>... Relaying "
              "denied",
            "reject /s1P819mk027713 +a.e 192.0.2.1 0  -"},
        {RULE "rcpt, arg1=<r@t.e>, relay=a.e [192.0.2.1] (may be forged), reject=550 5.7.1 no. IP "
              "name possibly forged [192.0.2.1]",
            "reject /s1P819mk027713 ?a.e 192.0.2.1 0  -"},
        {RULE "rcpt, arg1=<r@t.e>, relay=[192.0.2.1], reject=451 4.1.8 no",
            "reject /s1P819mk027713 0 192.0.2.1 0  -"},
        {RULE "mail, arg1=<s@b.e>, relay=a.e [192.0.2.1], reject=451 4.1.8 Domain does not resolve",
            "reject /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {RULE "mail, arg1=<s@b.e>, relay=a.e [192.0.2.1], discard",
            "reject /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {"ruleset=check_relay, arg1=a.e, arg2=192.0.2.1, relay=a.e [192.0.2.1], reject=421 4.3.2 "
         "Connection rate limit exceeded.",
            "reject / +a.e 192.0.2.1 0  -"},
        {ID "rejecting commands from a.e [192.0.2.1] due to pre-greeting traffic after 6 seconds",
            "reject /s1P819mk027713 +a.e 192.0.2.1 0  -"},
        {ID "rejecting commands from  [192.0.2.1] due to pre-greeting traffic after 0 seconds",
            "reject /s1P819mk027713 - 192.0.2.1 0  -"},
        {ID "a.e [192.0.2.1]: EXPN root [rejected]", "reject /s1P819mk027713 +a.e 192.0.2.1 0  -"},
        {ID "[192.0.2.1]: vrfy info [rejected]", "reject /s1P819mk027713 0 192.0.2.1 0  -"},
        {ID "[192.0.2.1]: vrfy info", NULL},
        {ID "a.e [192.0.2.1] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
            "client /s1P819mk027713 +a.e 192.0.2.1 0  -"},
        {ID "a.e [192.0.2.1] (may be forged) did not issue MAIL/EXPN/VRFY/ETRN during connection "
            "to x",
            "client /s1P819mk027713 ?a.e 192.0.2.1 0  -"},
        {ID "a.e [192.0.2.1]: possible SMTP attack: command=AUTH, count=5",
            "client /s1P819mk027713 +a.e 192.0.2.1 0  -"},
        {ID "lost input channel from a.e [192.0.2.1] to MTA-v4 after rcpt",
            "client /s1P819mk027713 +a.e 192.0.2.1 0  -"},
        {ID "ruleset=tls_server, arg1=SOFTWARE, relay=mx.e [192.0.2.7], reject=403 4.7.0", NULL},
        {ID "<x@t.e>... User unknown", NULL},
        {"", NULL},
    };

    (void)state;
    CHECK(sendmail_parse, cases);
}

/* Senders, message ids, recipients, idents and reverse names that look like fields. */
static void
hostile(void **state)
{
    static const struct message cases[] = {
        {ID "from=<\"x>, size=1, class=0, nrcpts=9, relay=bank.e [192.0.2.9]\"@b.e>, size=108, "
            "class=0, nrcpts=1, " END "a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  bad"},
        {FROM "msgid=<x, relay=bank.e [192.0.2.9]>, " END "a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {FROM "msgid=<x, daemon=MSA, y>, " END "a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {ID "from=<\"v@bank.e\"@b.e>, size=1, class=0, nrcpts=1, " END "a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {FROM END "x [192.0.2.9] bank.e@a.e [192.0.2.1]",
            "accept /s1P819mk027713 +a.e 192.0.2.1 0  b.e"},
        {RULE "rcpt, arg1=<\"x>, relay=bank.e [192.0.2.9], reject=y\"@t.e>, relay=a.e [192.0.2.1], "
              "reject=550 no",
            NULL},
        {RULE
            "rcpt, arg1=<x@t.e>, relay=a.e [192.0.2.1], reject=550 <\"y, relay=bank.e [192.0.2.9], "
            "reject=z\"@t.e>... no",
            NULL},
        /* Cut off. */
        {FROM END "a.e [192.0.2.", NULL},
        {FROM, NULL},
    };

    (void)state;
    CHECK(sendmail_parse, cases);
}

/* -- logs -- */

#define P7    "\nNov 24 09:00:00 mx sm-mta[7]: "
#define P8    "\nNov 24 09:00:00 mx sm-mta[8]: "
#define LATER "\nNov 24 09:00:30 mx sm-mta[7]: "
#define RELAY "relay=a.e [192.0.2.1]"

static void
joined(void **state)
{
    (void)state;
    /* One rejected recipient of two; all of them. */
    check_log(LOG_SENDMAIL,
        P7 RULE "rcpt, arg1=<r@t.e>, " RELAY ", reject=550 5.1.1 no" P7 FROM END "a.e [192.0.2.1]",
        "+ 192.0.2.1 +a.e  b.e\n");
    check_log(LOG_SENDMAIL,
        P7 RULE "rcpt, arg1=<r@t.e>, " RELAY ", reject=550 5.1.1 no" P7 RULE
                "rcpt, arg1=<q@t.e>, " RELAY ", reject=550 5.1.1 no" LATER ID
                "from=<s@b.e>, size=0, class=0, nrcpts=0, " RELAY,
        "- 192.0.2.1 +a.e  b.e\n");
    /* A filter has the last word. */
    check_log(LOG_SENDMAIL,
        P7 FROM RELAY LATER ID "Milter: data, reject=550 5.7.1 spam" LATER ID
                               "to=<r@t.e>, delay=00:00:04, pri=30000, stat=spam",
        "- 192.0.2.1 +a.e  b.e\n");
    /* Who logged in sends all mails of the process; another process is somebody else. */
    check_log(LOG_SENDMAIL,
        P7 "s1P819mk000001: AUTH=server, " RELAY ", authid=u, mech=PLAIN, bits=0" P7 FROM RELAY P7
           "s1P819mk000002: from=<t@b.e>, size=1, class=0, nrcpts=1, " RELAY P8
           "s1P819mk000003: from=<u@b.e>, size=1, class=0, nrcpts=1, " RELAY,
        "+ 192.0.2.1 +a.e  b.e authenticated\n+ 192.0.2.1 +a.e  b.e authenticated\n"
        "+ 192.0.2.1 +a.e  b.e\n");
    /* Other programs' lines, and connections without mail. */
    check_log(LOG_SENDMAIL,
        "Nov 24 09:00:00 mx sm-msp-queue[7]: " FROM RELAY P7 ID
        "a.e [192.0.2.1] did not issue MAIL/EXPN/VRFY/ETRN during connection to MTA",
        "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs),
        cmocka_unit_test(mails),
        cmocka_unit_test(rejects),
        cmocka_unit_test(hostile),
        cmocka_unit_test(joined),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

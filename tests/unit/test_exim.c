/* Lines of Exim, and what its logs yield. */
#include "tests/unit/log_lines.h"

#include <unistd.h>

#include "loader/logread.h"
#include "loader/src_exim.h"

/* -- heads -- */

static void
heads(void **state)
{
    static const struct {
        const char *line;
        int64_t when_s; /* 0: no line of Exim */
        const char *host, *text;
    } cases[] = {
        {"2026-11-24 09:00:01 Start queue run: pid=1", NOW - 3599, "", "Start queue run: pid=1"},
        {"2026-11-24 09:00:01 1xVgzv-00003k-2y <= a@b.example", NOW - 3599, "", "<= a@b.example"},
        {"2026-11-24 09:00:01 1xVgzv-000000005vi-0000 Completed", NOW - 3599, "", "Completed"},
        {"2026-11-24 09:00:01.345 [5908] 1xVgzv-00003k-2y Completed", NOW - 3599, "", "Completed"},
        {"2026-11-24 09:00:01 +0200 x", NOW - 3599 - 7200, "", "x"},
        {"2026-11-24 09:00:01.345 -0530 [59] x", NOW - 3599 + 19800, "", "x"},
        {"Nov 24 09:00:01 mx exim[123]: H=[192.0.2.1] x", NOW - 3599, "mx", "H=[192.0.2.1] x"},
        {"Nov 24 09:00:09 mx exim[123]: 2026-11-24 09:00:01 [123] 1xVgzv-00003k-2y x", NOW - 3599,
            "mx", "x"},
        {"Nov 24 09:00:09 mx exim4[123]: 2026-11-24 09:00:01.5 +0100 x", NOW - 3599 - 3600, "mx",
            "x"},
        {"2026-11-24T09:00:01.123+00:00 mx exim[5]: x", NOW - 3599, "mx", "x"},
        {"2026-11-24 09:00:01 info exim[8001]: [8001] x", NOW - 3599, "info", "x"},
        {"Nov 24 09:00:01 mx exim[1]: [1\\6] 2026-11-24 09:00:01 rejected from <a@b> x", NOW - 3599,
            "mx", "rejected from <a@b> x"},
        {"Nov 24 09:00:01 mx exim[1]: [2\\6] H=[192.0.2.1] rejected MAIL <a@b>", NOW - 3599, "mx",
            ""},
        {"Nov 24 09:00:01 mx exim[1]: [1/2] H=(a) [192.0.2.1] xxx", NOW - 3599, "mx", ""},
        {" 2026-11-24 09:00:01 x", 0, "", ""}, /* a header of the reject log, folded */
        {"P Received: from a", 0, "", ""},
        {"Envelope-from: <a@b.example>", 0, "", ""},
        {"Nov 24 09:00:01 mx postfix/smtpd[1]: x", 0, "", ""},
        {"2026-13-24 09:00:01 x", 0, "", ""},
        {"", 0, "", ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct logline head;
        enum err err = exim_head(text_of(cases[i].line), NOW, 0, &head);

        assert_int_equal(err, cases[i].when_s == 0 ? ERR_SYNTAX : ERR_OK);
        if (err < 0)
            continue;
        if (head.when_s != cases[i].when_s || head.pid != 0 ||
            head.host.n != strlen(cases[i].host) || head.text.n != strlen(cases[i].text) ||
            memcmp(head.host.p, cases[i].host, head.host.n) != 0 ||
            memcmp(head.text.p, cases[i].text, head.text.n) != 0)
            fail_msg("%s: %+d, \"%.*s\", \"%.*s\"", cases[i].line, (int)(head.when_s - NOW),
                (int)head.host.n, head.host.p, (int)head.text.n, head.text.p);
    }
}

/* -- messages -- */

static void
arrivals(void **state)
{
    static const struct message cases[] = {
        {"<= s@B.Example H=a.example [192.0.2.1] P=esmtp S=254 id=x@y",
            "accept / +a.example 192.0.2.1 0 a.example b.example"},
        {"<= s@b.example H=(h.example) [192.0.2.1] P=esmtp S=254",
            "accept / - 192.0.2.1 0 h.example b.example"},
        {"<= s@b.example H=a.example (h.example) [192.0.2.1]:4711 I=[192.0.2.9]:25 P=esmtps "
         "X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no SNI=\"mx.example\" S=254 M8S=8 DKIM=b.example "
         "RT=0.1s id=x@y T=\"hi \\\"there\\\"\" from <s@b.example> for r@t.example q@t.example",
            "accept / +a.example 192.0.2.1 4711 h.example b.example"},
        {"<= <> H=([192.0.2.1]) [192.0.2.1] P=smtp S=2", "accept / - 192.0.2.1 0 [192.0.2.1] <>"},
        {"<= <> R=1xVgzv-00003k-2y H=(h.e) [192.0.2.1] P=smtp S=2",
            "accept / - 192.0.2.1 0 h.e <>"},
        {"<= s@b.e H=(h.e) [2001:0db8:0bad:0000:0000:0000:0000:0001]:55 P=esmtp S=2",
            "accept / - 2001:db8:bad::1 55 h.e b.e"},
        {"<= s@b.e H=[192.0.2.1] P=smtp S=2", "accept / - 192.0.2.1 0  b.e"},
        {"<= \"a b\"@b.e DS H=a.e [192.0.2.1] TFO* P=esmtp L* K S=2",
            "accept / +a.e 192.0.2.1 0 a.e b.e"},
        {"<= a\\ b@b.e H=a.e [192.0.2.1] P=esmtp L. S=2", "accept / +a.e 192.0.2.1 0 a.e b.e"},
        {"<= root@b.e H=(h.e) [192.0.2.1] P=esmtpsa A=plain:u@b.e S=2",
            "accept* / - 192.0.2.1 0 h.e b.e"},
        {"<= s@b.e H=(h.e) [192.0.2.1] I=[192.0.2.9]:587 P=esmtpsa S=2",
            "accept*^ / - 192.0.2.1 0 h.e b.e"},
        {"<= s@b.e H=(h.e) [192.0.2.1] P=smtp SPF=softfail S=2",
            "accept / - 192.0.2.1 0 h.e b.e spf-softfail"},
        {"<= s@b.e H=(h.e) [192.0.2.1] P=smtp SPF=temperror S=2",
            "accept / - 192.0.2.1 0 h.e b.e spf-temperror"},
        {"<= s@b.e H=(h.e) [192.0.2.1] P=smtp SPF S=2", "accept / - 192.0.2.1 0 h.e b.e"},
        {"<= s H=(h.e) [192.0.2.1] P=smtp S=2", "accept / - 192.0.2.1 0 h.e bad"},
        {"(= s@b.e H=(h.e) [192.0.2.1] P=smtp S=2", "reject / - 192.0.2.1 0 h.e b.e"},
        {"<= s@b.e U=root P=local S=2", NULL},
        {"<= s@b.e H=(h.e) [192.0.2] P=smtp S=2", NULL},
        {"<= s@b.e", NULL},
        {"<= ", NULL},
        {"=> r@b.e R=dns T=smtp H=mx.e [192.0.2.1]", NULL},
        {"Completed", NULL},
    };

    (void)state;
    CHECK(exim_parse, cases);
}

static void
rejects(void **state)
{
    static const struct message cases[] = {
        {"H=a.e (h.e) [192.0.2.1]:50 F=<s@b.e> rejected RCPT <r@t.e>: relay not permitted",
            "reject / +a.e 192.0.2.1 50 h.e b.e"},
        {"H=(h.e) [192.0.2.1]:50 I=[192.0.2.9]:25 F=s@b.e rejected RCPT r@t.e: no",
            "reject / - 192.0.2.1 50 h.e b.e"},
        {"H=a.e [192.0.2.1] X=TLS1.2:ECDHE-RSA-AES256-GCM-SHA384:256 CV=no F=<> temporarily "
         "rejected "
         "RCPT <r@t.e>: greylisted",
            "reject / +a.e 192.0.2.1 0 a.e <>"},
        {"H=(h.e) [192.0.2.1] U=CALLER F=<s@b.e> rejected RCPT <r@t.e>: found in dnsbl x.test",
            "reject / - 192.0.2.1 0 h.e b.e"},
        {"H=(h.e) [192.0.2.1] F=<s@b.e> SPF=fail rejected RCPT <r@t.e>",
            "reject / - 192.0.2.1 0 h.e b.e spf-fail"},
        {"H=(h.e) [192.0.2.1] F=<s@b.e> A=plain:u rejected RCPT <r@t.e>: ratelimit",
            "reject* / - 192.0.2.1 0 h.e b.e"},
        {"H=(h.e) [192.0.2.1] F=<s@b.e> rejected after DATA: virus",
            "reject / - 192.0.2.1 0 h.e b.e"},
        {"H=(h.e) [192.0.2.1] rejected EHLO or HELO h.e", "reject / - 192.0.2.1 0 h.e -"},
        {"H=(h.e) [192.0.2.1] rejected MAIL <s@b.e>", "reject / - 192.0.2.1 0 h.e b.e"},
        {"H=(h.e) [192.0.2.1] rejected MAIL <s@b.e>: no", "reject / - 192.0.2.1 0 h.e b.e"},
        {"H=(h.e) [192.0.2.1] rejected VRFY x@y.e", "reject / - 192.0.2.1 0 h.e -"},
        {"H=a.e [192.0.2.1]:18 temporarily rejected connection in \"connect\" ACL: \"rate\"",
            "reject / +a.e 192.0.2.1 18  -"},
        {"H=[192.0.2.1] dropped by 'connect' ACL: no", "reject / - 192.0.2.1 0  -"},
        {"H=a.e (h.e) [192.0.2.1] sender verify fail for <s@b.e>: Unrouteable address",
            "reject / +a.e 192.0.2.1 0 h.e b.e"},
        {"H=a.e (h.e) [192.0.2.1] F=<s@b.e> RCPT <r@t.e>: discarded by RCPT ACL",
            "reject / +a.e 192.0.2.1 0 h.e b.e"},
        {"rejected EHLO from (h.e) [192.0.2.1]: syntactically invalid argument(s): a b",
            "reject / - 192.0.2.1 0 h.e -"},
        {"rejected HELO from [192.0.2.1]: syntactically invalid argument(s): _",
            "reject / - 192.0.2.1 0  -"},
        {"rejected MAIL FROM:<s@b.e> H=(h.e) [192.0.2.1]: message too big: size=9 max=1",
            "reject / - 192.0.2.1 0 h.e b.e"},
        {"rejected from <s@b.e> H=(h.e) [192.0.2.1]: message too big: read=9 max=1",
            "reject / - 192.0.2.1 0 h.e b.e"},
        {"refused connection from [192.0.2.1]:44 (host_reject_connection)",
            "reject / - 192.0.2.1 44  -"},
        {"F=s@b.e H=(h.e) [192.0.2.1]:436 I=[192.0.2.9]:25 P=esmtp rejected by local_scan(): "
         "Rejected",
            "reject / - 192.0.2.1 436 h.e b.e"},
        {"SMTP protocol synchronization error (next input sent too soon: pipelining was not "
         "advertised): rejected \"RSET\" H=a.e [192.0.2.1]:58 I=[192.0.2.9]:25 next input=\"QUIT\"",
            "reject / +a.e 192.0.2.1 58 a.e -"},
        {"SMTP protocol synchronization error (input sent without waiting for greeting): rejected "
         "connection from H=a.e [192.0.2.1]:25 input=\"GET / HTTP/1.1\\r\\n\"",
            "reject / +a.e 192.0.2.1 25  -"},
        {"H=(h.e) [192.0.2.1] Warning: from a bad neighbourhood", NULL},
        {"H=mx.e [192.0.2.1] Connection refused", NULL},
        {"H=mx.e [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<r@t.e>: 550 "
         "rejected "
         "RCPT",
            NULL},
        {"U=CALLER F=<s@b.e> rejected RCPT <r@t.e>: no", NULL},
        {"F=<s@b.e> rejected by non-SMTP ACL: no", NULL},
        {"rejected HELO from CALLER: syntactically invalid argument(s): !", NULL},
    };

    (void)state;
    CHECK(exim_parse, cases);
}

static void
others(void **state)
{
    static const struct message cases[] = {
        {"no host name found for IP address 192.0.2.1", "ptr / 0 192.0.2.1 0  -"},
        {"no host name found for IP address 2001:0db8::1", "ptr / 0 2001:db8::1 0  -"},
        {"no host name found for IP address 192.0.2.1 x", NULL},
        {"no IP address found for host p.e (during SMTP connection from [192.0.2.1]:55)",
            "ptr / ?p.e 192.0.2.1 55  -"},
        {"no IP address found for host p.e (during SMTP connection from (h.e) [192.0.2.1])",
            "ptr / ?p.e 192.0.2.1 0  -"},
        {"no IP address found for host p.e", NULL},
        {"no MAIL in SMTP connection from (User) [192.0.2.1]:200 I=[192.0.2.9]:25 D=0.3s C=EHLO",
            "client / - 192.0.2.1 200 User -"},
        {"SMTP connection from a.e [192.0.2.1]:39 I=[192.0.2.9]:25 closed by DROP in ACL",
            "client / +a.e 192.0.2.1 39  -"},
        {"SMTP connection from [192.0.2.1]:39 (TCP/IP connection count = 1)",
            "client / - 192.0.2.1 39  -"},
        {"unexpected disconnection while reading SMTP command from (h.e) [192.0.2.1] D=3s",
            "client / - 192.0.2.1 0 h.e -"},
        {"SMTP call from [192.0.2.1] dropped: too many unrecognized commands (last was \"x\")",
            "client / - 192.0.2.1 0  -"},
        {"dovecot_login authenticator failed for a.e (User) [192.0.2.1]: 535 Incorrect "
         "authentication data (set_id=u)",
            "client / +a.e 192.0.2.1 0 User -"},
        {"SMTP protocol error in \"AUTH LOGIN\" H=(h) [192.0.2.1] AUTH command used when not "
         "advertised",
            "client / - 192.0.2.1 0 h -"},
    };

    (void)state;
    CHECK(exim_parse, cases);
}

/* HELOs that only helo_accept_junk_hosts takes, quoted local parts, commands, identd's answers. The
 * client is never theirs to choose, and neither is the sender. */
static void
hostile(void **state)
{
    static const struct message cases[] = {
        /* A client within the HELO. */
        {"<= s@b.e H=(x) [192.0.2.9] P=esmtp) [192.0.2.1] P=esmtp S=2",
            "accept / - 192.0.2.1 0 x) [192.0.2.9] P=esmtp b.e"},
        {"<= s@b.e H=(x) [192.0.2.9] P=esmtp S=1 id=y) [192.0.2.1] P=esmtp S=2 id=z@b.e",
            "accept / - 192.0.2.1 0 x) [192.0.2.9] P=esmtp S=1 id=y b.e"},
        {"<= s@b.e H=a.e (x [192.0.2.9] P=esmtpa A=plain:u) [192.0.2.1] P=esmtp S=2",
            "accept / +a.e 192.0.2.1 0 x [192.0.2.9] P=esmtpa A=plain:u b.e"},
        {"<= s@b.e H=(x) [192.0.2.9] P=esmtp S=1 for y) [192.0.2.1] P=esmtp S=2",
            "accept / - 192.0.2.1 0 x) [192.0.2.9] P=esmtp S=1 for y b.e"},
        /* Its end cannot be told apart. */
        {"<= s@b.e H=(x) [192.0.2.9] P=esmtp S=1 for y) [192.0.2.1] P=esmtp NEW S=2", NULL},
        {"H=(x) [192.0.2.9] F=<v@bank.example> rejected RCPT <y>: z) [192.0.2.1] F=<s@b.e> "
         "rejected "
         "RCPT <r@t.e>: no",
            NULL},
        {"H=(x) [192.0.2.9] y) [192.0.2.1] F=<s@b.e> rejected RCPT <r@t.e>: no",
            "reject / - 192.0.2.1 0 x) [192.0.2.9] y b.e"},
        /* In the recipient, the reason, the message's id. */
        {"H=(h.e) [192.0.2.1] F=<s@b.e> rejected RCPT <\"x) [192.0.2.9] \"@t.e>: no) [192.0.2.8] x",
            "reject / - 192.0.2.1 0 h.e b.e"},
        {"<= s@b.e H=(h.e) [192.0.2.1] P=esmtp S=2 id=\"x) [192.0.2.9] P=esmtp S=1\"@y",
            "accept / - 192.0.2.1 0 h.e b.e"},
        /* In the sender. */
        {"<= \"x H=bank.example [192.0.2.9] P=esmtp\"@b.e H=(h.e) [192.0.2.1] P=esmtp S=2",
            "accept / - 192.0.2.1 0 h.e b.e"},
        {"<= \"x<v@bank.example>\"@b.e H=(h.e) [192.0.2.1] P=esmtp S=2",
            "accept / - 192.0.2.1 0 h.e b.e"},
        {"H=(h.e) [192.0.2.1] F=<\"x> rejected RCPT <y>: F=<v@bank.example\"@b.e> rejected RCPT "
         "<r@t>",
            "reject / - 192.0.2.1 0 h.e b.e"},
        {"H=(h.e) [192.0.2.1] U=x F=<v@bank.example> F=<s@b.e> rejected RCPT <r@t>: no",
            "reject / - 192.0.2.1 0 h.e bad"},
        /* An identd that says more than a name. */
        {"<= s@b.e H=(h.e) [192.0.2.1] U=x P=esmtpa A=plain:u SPF=pass P=esmtp S=2",
            "accept / - 192.0.2.1 0 h.e b.e"},
        /* A command that was echoed. */
        {"SMTP protocol synchronization error (x): rejected \"y H=bank.example [192.0.2.9] \" "
         "H=(h.e) [192.0.2.1] next input=\"z\"",
            NULL},
        {"SMTP protocol error in \"aUtH lOgIn\" H=(test) [192.0.2.9]\" H=(h.e) [192.0.2.1] AUTH "
         "command used when not advertised",
            "client / - 192.0.2.1 0  -"},
        {"rejected EHLO from [192.0.2.1]: syntactically invalid argument(s): x) [192.0.2.9]",
            "reject / - 192.0.2.1 0  -"},
        /* Quotes that are never closed. */
        {"<= \"x H=(h.e) [192.0.2.1] P=esmtp S=2", NULL},
        {"<= s@b.e H=(h.e [192.0.2.1] P=esmtp S=2", NULL},
    };
    static char line[8192];
    struct log_event event;

    (void)state;
    CHECK(exim_parse, cases);
    /* A line so long that it may have been cut before the true client. */
    (void)snprintf(line, sizeof line, "<= s@b.e H=(x) [192.0.2.9] P=esmtp S=2 id=%06000d", 0);
    exim_parse(text_of(line), &event);
    assert_int_equal(event.kind, LOG_EVENT_NONE);
    /* As many places for it as fit. */
    (void)strcpy(line, "<= s@b.e H=(");
    while (strlen(line) < 4000)
        (void)strcat(line, ") [192.0.2.9] P=esmtp");
    exim_parse(text_of(line), &event);
    assert_int_equal(event.kind, LOG_EVENT_NONE);
}

/* -- logs -- */

#define T0 "2026-11-24 09:00:00 "
#define T1 "2026-11-24 09:00:30 "
#define T9 "2026-11-24 09:05:00 "

static void
joined(void **state)
{
    (void)state;
    /* The PTR comes before the mail; another client's does not count. */
    check_log(LOG_EXIM,
        T0 "no host name found for IP address 192.0.2.1\n" T0
           "1xVgzv-00003k-2y <= s@b.e H=(h.e) [192.0.2.1] P=esmtp S=2\n" T0
           "1xVgzv-00003k-2z <= s@b.e H=(h.e) [192.0.2.2] P=esmtp S=2\n" T9
           "1xVgzv-00003k-30 <= s@b.e H=([192.0.2.1]) [192.0.2.1] P=esmtp S=2\n",
        "+ 192.0.2.1 0 h.e b.e\n+ 192.0.2.2 - h.e b.e\n+ 192.0.2.1 0 [192.0.2.1] b.e\n");
    check_log(LOG_EXIM,
        T0 "no IP address found for host p.e (during SMTP connection from [192.0.2.1])\n" T0
           "1xVgzv-00003k-2y <= s@b.e H=(h.e) [192.0.2.1] P=esmtp SPF=pass S=2\n",
        "+ 192.0.2.1 ?p.e h.e b.e spf-pass\n");
    /* Rejects of one mail are one attempt, and none where it is accepted for others. */
    check_log(LOG_EXIM,
        T0 "H=(h.e) [192.0.2.1] rejected EHLO or HELO h.e\n" T0
           "H=(h.e) [192.0.2.1] F=<s@b.e> rejected RCPT <q@t.e>: no\n" T1
           "H=(h.e) [192.0.2.1] F=<s@b.e> temporarily rejected RCPT <r@t.e>: no\n" T1
           "H=(h.e) [192.0.2.1] F=<s@c.e> rejected RCPT <r@t.e>: no\n" T1
           "1xVgzv-00003k-2y <= s@b.e H=(h.e) [192.0.2.1] P=esmtp S=2\n",
        "+ 192.0.2.1 - h.e b.e\n- 192.0.2.1 - h.e c.e\n");
    /* Greylisted, and again later. */
    check_log(LOG_EXIM,
        T0 "H=a.e [192.0.2.1] F=<s@b.e> temporarily rejected RCPT <q@t.e>: greylisted\n" T9
           "1xVgzv-00003k-2y <= s@b.e H=a.e [192.0.2.1] P=esmtp S=2\n",
        "- 192.0.2.1 +a.e a.e b.e\n+ 192.0.2.1 +a.e a.e b.e\n");
    /* Our own users, and mail made here. */
    check_log(LOG_EXIM,
        T0
        "1xVgzv-00003k-2y <= s@b.e H=(h.e) [192.0.2.1] I=[192.0.2.9]:587 P=esmtpsa A=p:u S=2\n" T0
        "1xVgzv-00003k-2z <= s@b.e U=root P=local S=2\n" T0
        "1xVgzv-00003k-2z => r@t.e R=dns T=smtp H=mx.e [192.0.2.7]\n",
        "+ 192.0.2.1 - h.e b.e authenticated submission\n");
    /* Two hosts' logs in one. */
    check_log(LOG_EXIM,
        "Nov 24 09:00:00 mx1 exim[1]: H=(h.e) [192.0.2.1] F=<s@b.e> rejected RCPT <q@t.e>: no\n"
        "Nov 24 09:00:00 mx2 exim[1]: H=(h.e) [192.0.2.1] F=<s@b.e> rejected RCPT <q@t.e>: no\n",
        "- 192.0.2.1 - h.e b.e\n- 192.0.2.1 - h.e b.e\n");
}

/* A flood of rejects: each is an attempt, and the table stays as large as it is. */
static void
flood(void **state)
{
    struct seen seen;
    struct sessions *sessions = sessions_of(&seen);
    size_t most = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char line[256];

        (void)snprintf(line, sizeof line,
            T0 "H=(h%u.e) [203.0.113.%u] F=<s@d%u.e> rejected RCPT <r@t.e>: no", i, i % 256, i);
        assert_int_equal(exim_line(sessions, text_of(line), NOW, 0), ERR_OK);
        most = sessions_count(sessions) > most ? sessions_count(sessions) : most;
    }
    end_sessions(&sessions, LOG_EXIM);
    assert_int_equal(seen.attempts, 20000);
    assert_in_range(most, 1, 4096);
}

/* A real server's log: what every arrival gives is what stands in its line. */
static void
replay(void **state)
{
    static const char path[] = "../shared/data/mtalogs/exim-replay.log.gz";
    struct seen seen;
    struct sessions *sessions;
    struct logread *reader;
    struct logfile what;
    struct errmsg msg;
    struct text line;
    unsigned arrivals = 0;

    (void)state;
    if (access(path, R_OK) != 0) {
        print_message("%s is absent: not replayed\n", path);
        skip();
    }
    sessions = sessions_of(&seen);
    assert_int_equal(logfile_look(path, &what, &msg), ERR_OK);
    assert_int_equal(logread_open(path, &what, 0, &reader, &msg), ERR_OK);
    while (logread_line(reader, &line)) {
        char text[8192], host[2048], ip[IP_TEXT_SIZE], domain[DNAME_TEXT_SIZE];
        struct logline head;
        struct log_event e;

        seen.unparsed += exim_line(sessions, line, NOW, 0) < 0;
        (void)snprintf(text, sizeof text, "%.*s", (int)line.n, line.p);
        if (strstr(text, " <= ") == NULL)
            continue;
        arrivals++;
        assert_int_equal(exim_head(line, NOW, 0, &head), ERR_OK);
        exim_parse(head.text, &e);
        assert_int_equal(e.kind, LOG_EVENT_ACCEPT);
        assert_true(e.client.has_ip && e.helo.n > 0);
        ip_format(&e.client.ip, ip);
        bool same = e.helo.p == e.client.name.p;
        (void)snprintf(host, sizeof host, "H=%.*s%s%.*s%s[%s] P=", (int)e.client.name.n,
            e.client.name.p,
            same                  ? " "
            : e.client.name.n > 0 ? " ("
                                  : "(",
            same ? 0 : (int)e.helo.n, e.helo.p, same ? "" : ") ", ip);
        if (strstr(text, host) == NULL)
            fail_msg("%s: not %s", text, host);
        (void)sender_text(e.sender, &e.sender_domain, domain);
        if (strcasestr(text, domain) == NULL)
            fail_msg("%s: not %s", text, domain);
    }
    logread_close(&reader);
    end_sessions(&sessions, LOG_EXIM);
    assert_int_equal(arrivals, 1500);
    assert_int_equal(seen.accepted, 1500);
    assert_int_equal(seen.with_helo, 1500);
    assert_int_equal(seen.attempts, 0);
    assert_int_equal(seen.unparsed, 0);
}

static void
end_to_end(void **state)
{
    static const char path[] = "../shared/data/mtalogs/e2e-exim4.96.log";
    FILE *in = fopen(path, "re");
    char log[8192];

    (void)state;
    if (in == NULL) {
        print_message("%s is absent: not read\n", path);
        skip();
    }
    size_t n = fread(log, 1, sizeof log - 1, in);
    (void)fclose(in);
    log[n] = '\0';
    check_log(LOG_EXIM, log,
        "+ 192.0.2.10 +mail.good.example mail.good.example good.example\n"
        "- 203.0.113.2 +mail.spammer.example mail.spammer.example good.example\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads),
        cmocka_unit_test(arrivals),
        cmocka_unit_test(rejects),
        cmocka_unit_test(others),
        cmocka_unit_test(hostile),
        cmocka_unit_test(joined),
        cmocka_unit_test(flood),
        cmocka_unit_test(replay),
        cmocka_unit_test(end_to_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

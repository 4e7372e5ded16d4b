/* Messages of Postfix and of SPF policy services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/src_postfix.h"

enum { BRIEF_SIZE = 4096 };

static struct text
text_of(const char *s)
{
    return (struct text){s, strlen(s)};
}

static struct postfix_event
parse(const char *program, const char *message)
{
    struct postfix_program who;
    struct postfix_event out;

    postfix_program(text_of(program), &who);
    postfix_parse(&who, text_of(message), &out);
    return out;
}

/* "kind id ptr name ip port helo sender", for short cases. */
static const char *
brief(const struct postfix_event *e, char out[BRIEF_SIZE])
{
    static const char *const kinds[] = {"other", "connect", "disconnect", "client", "from",
        "removed", "action", "unverified", "pregreet", "spf"};
    static const char ptrs[] = "-0?+";
    char ip[IP_TEXT_SIZE] = "-", domain[DNAME_TEXT_SIZE] = "-";

    if (e->client.has_ip)
        ip_format(&e->client.ip, ip);
    if (e->sender == OBS_SENDER_DOMAIN)
        (void)dname_format(&e->sender_domain, domain);
    else if (e->sender == OBS_SENDER_NULL)
        (void)strcpy(domain, "<>");
    else if (e->sender == OBS_SENDER_BAD)
        (void)strcpy(domain, "bad");
    (void)snprintf(out, BRIEF_SIZE, "%s%s%s %.*s %c%.*s %s %u %.*s %s%s%s", kinds[e->kind],
        e->reject ? "!" : "", e->authenticated ? "*" : "", (int)e->queue_id.n, e->queue_id.p,
        ptrs[e->client.ptr], (int)e->client.name.n, e->client.name.p, ip, e->client.port,
        (int)e->helo.n, e->helo.p, domain, e->kind == POSTFIX_SPF ? " spf-" : "",
        e->kind == POSTFIX_SPF ? obs_spf_text(e->spf) : "");
    return out;
}

struct message {
    const char *program, *text, *wanted;
};

static void
check(const struct message *cases, size_t n)
{
    char got[BRIEF_SIZE];

    for (size_t i = 0; i < n; i++) {
        struct postfix_event event = parse(cases[i].program, cases[i].text);

        if (strcmp(brief(&event, got), cases[i].wanted) != 0)
            fail_msg("%s: %s\n got \"%s\"\nnot \"%s\"", cases[i].program, cases[i].text, got,
                cases[i].wanted);
    }
}
#define CHECK(cases) check(cases, sizeof cases / sizeof cases[0])

static void
programs(void **state)
{
    static const struct {
        const char *name;
        enum postfix_service service;
        bool submission, reinjection;
    } cases[] = {
        {"postfix/smtpd", POSTFIX_SMTPD, false, false},
        {"postfix-in/smtpd", POSTFIX_SMTPD, false, false},
        {"postfix/submission/smtpd", POSTFIX_SMTPD, true, false},
        {"postfix-out/submissions/smtpd", POSTFIX_SMTPD, true, false},
        {"postfix/smtps/smtpd", POSTFIX_SMTPD, true, false},
        {"postfix/smtp-25/smtpd", POSTFIX_SMTPD, false, false},
        {"postfix/dkimmilter/smtpd", POSTFIX_SMTPD, false, true},
        {"postfix/amavisd/smtpd", POSTFIX_SMTPD, false, true},
        {"postfix/postscreen", POSTFIX_POSTSCREEN, false, false},
        {"postfix/qmgr", POSTFIX_QMGR, false, false},
        {"postfix/cleanup", POSTFIX_CLEANUP, false, false},
        {"postfix/policy-spf", POSTFIX_SPF_PERL, false, false},
        {"policyd-spf", POSTFIX_SPF_PYTHON, false, false},
        {"sm-mta/smtpd", POSTFIX_NO_SERVICE, false, false},
        {"smtpd", POSTFIX_NO_SERVICE, false, false},
        {"postfix/smtp", POSTFIX_NO_SERVICE, false, false},
        {"", POSTFIX_NO_SERVICE, false, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct postfix_program got;

        postfix_program(text_of(cases[i].name), &got);
        if (got.service != cases[i].service || got.submission != cases[i].submission ||
            got.reinjection != cases[i].reinjection)
            fail_msg("%s: service %d", cases[i].name, got.service);
    }
}

#define SMTPD      "postfix/smtpd"
#define POSTSCREEN "postfix/postscreen"

static void
sessions(void **state)
{
    static const struct message cases[] = {
        {SMTPD, "connect from a.example[192.0.2.1]", "connect  +a.example 192.0.2.1 0  -"},
        {SMTPD, "connect from unknown[2001:0db8:0bad:0000:0000:0000:0000:0001]",
            "connect  0 2001:db8:bad::1 0  -"},
        {SMTPD, "disconnect from unknown[192.0.2.1] ehlo=1 auth=1 quit=1 commands=3",
            "disconnect*  0 192.0.2.1 0  -"},
        {SMTPD, "disconnect from unknown[192.0.2.1] ehlo=1 auth=0/1 quit=1 commands=2/3",
            "disconnect  0 192.0.2.1 0  -"},
        {SMTPD, "disconnect from unknown[unknown] commands=0/0", "disconnect  0 - 0  -"},
        {SMTPD, "463AFA72296: client=a.example[192.0.2.1]",
            "client 463AFA72296 +a.example 192.0.2.1 0  -"},
        {SMTPD, "44JCRG5tYPzCqt2: client=a.example[192.0.2.1]:4711",
            "client 44JCRG5tYPzCqt2 +a.example 192.0.2.1 4711  -"},
        {SMTPD, "535721E1E6C: client=x.local[192.0.2.1], sasl_method=LOGIN, sasl_username=u@d.test",
            "client* 535721E1E6C +x.local 192.0.2.1 0  -"},
        {SMTPD, "warning: hostname b.example does not resolve to address 192.0.2.1",
            "unverified  ?b.example 192.0.2.1 0  -"},
        {SMTPD, "warning: hostname b.example does not resolve to address 192.0.2.1: Name unknown",
            "unverified  ?b.example 192.0.2.1 0  -"},
        {SMTPD, "warning: hostname 192.0.2.1 does not resolve to address b.example",
            "unverified  ?b.example 192.0.2.1 0  -"},
        {SMTPD, "warning: 192.0.2.1: hostname b.example verification failed: Name unknown",
            "unverified  ?b.example 192.0.2.1 0  -"},
        {SMTPD, "warning: 192.0.2.1: address not listed for hostname b.example",
            "unverified  ?b.example 192.0.2.1 0  -"},
        {SMTPD, "warning: unknown[192.0.2.1]: SASL LOGIN authentication failed: x",
            "other  - - 0  -"},
        {SMTPD, "client=a.example[192.0.2.1]", "other  - - 0  -"},
        {SMTPD, "NOQUEUE: client=a.example[192.0.2.1]", "other  - - 0  -"},
        {POSTSCREEN, "CONNECT from [203.0.113.2]:40000 to [127.0.0.1]:25",
            "connect  - 203.0.113.2 40000  -"},
        {POSTSCREEN, "DISCONNECT [203.0.113.2]:40000", "disconnect  - 203.0.113.2 40000  -"},
        {POSTSCREEN, "PREGREET 16 after 2.6 from [192.0.2.1]:41323: EHLO 127.0.0.1\\r\\n",
            "pregreet  - 192.0.2.1 41323 127.0.0.1 -"},
        {POSTSCREEN, "PREGREET 6 after 1.2 from [192.0.2.1]:43421: RSET\\r\\n",
            "pregreet  - 192.0.2.1 43421  -"},
        {"postfix/qmgr", "0F5383D: from=<owner@list.example>, size=5360, nrcpt=1 (queue active)",
            "from 0F5383D - - 0  list.example"},
        {"postfix/qmgr", "0F5383D: from=<\"x<v@a>\"@b>, size=5360, nrcpt=1 (queue active)",
            "from 0F5383D - - 0  b"},
        {"postfix/qmgr", "0F5383D: from=<x<v@a>@b>, size=5360, nrcpt=1 (queue active)",
            "from 0F5383D - - 0  b"},
        {"postfix/qmgr", "0F5383D: from=<>, size=5360, nrcpt=1 (queue active)",
            "from 0F5383D - - 0  <>"},
        {"postfix/qmgr", "0F5383D: from=<root>, size=5360, nrcpt=1 (queue active)",
            "from 0F5383D - - 0  bad"},
        {"postfix/qmgr", "585BC3F: from=<>, status=expired, returned to sender",
            "other 585BC3F - - 0  -"},
        {"postfix/qmgr", "D4F2023DB: removed", "removed D4F2023DB - - 0  -"},
    };

    (void)state;
    CHECK(cases);
    assert_int_equal(
        parse("postfix/qmgr", "0F5383D: from=<a@b.example>, size=1, nrcpt=12 (queue active)")
            .recipients,
        12);
}

#define REST " to=<r@test.local> proto=ESMTP helo=<h.example>"

static void
action_lines(void **state)
{
    static const struct message cases[] = {
        {SMTPD, "NOQUEUE: info: RCPT from a.example[192.0.2.1]: feed; from=<s@B.Example>" REST,
            "action  +a.example 192.0.2.1 0 h.example b.example"},
        {SMTPD, "NOQUEUE: info: RCPT from a.e[192.0.2.1]: feed; from=<\"x<v@a>\"@b.e>" REST,
            "action  +a.e 192.0.2.1 0 h.example b.e"},
        {SMTPD, "NOQUEUE: info: RCPT from a.e[192.0.2.1]: feed; from=<x<v@a>@b.e>" REST,
            "action  +a.e 192.0.2.1 0 h.example b.e"},
        {SMTPD, "NOQUEUE: reject: RCPT from unknown[192.0.2.1]:55: 550 5.7.1 x; from=<>" REST,
            "action!  0 192.0.2.1 55 h.example <>"},
        {SMTPD,
            "NOQUEUE: filter: RCPT from unknown[192.0.2.1]: <m@b.example>: Sender address triggers "
            "FILTER smtp-amavis:[127.0.0.1]:10024; from=<m@b.example>" REST,
            "action  0 192.0.2.1 0 h.example b.example"},
        {SMTPD, "1D8CC1CA0A7F: milter-reject: DATA from unknown[192.0.2.1]: 550 x; from=<a@b>" REST,
            "action! 1D8CC1CA0A7F 0 192.0.2.1 0 h.example b"},
        {SMTPD, "NOQUEUE: reject: EHLO from unknown[192.0.2.1]: 504 <U>: x; proto=SMTP helo=<User>",
            "action!  0 192.0.2.1 0 User -"},
        {SMTPD, "NOQUEUE: reject: CONNECT from unknown[192.0.2.1]: 450 x; proto=SMTP",
            "action!  0 192.0.2.1 0  -"},
        {SMTPD, "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 554 5.7.1 Service unavailable",
            "action!  0 192.0.2.1 0  -"},
        {SMTPD,
            "NOQUEUE: discard: MAIL from u.e[192.0.2.1]: <x>: y; from=<x=@b.e> proto=ESMTP "
            "helo=<h.e>",
            "action!  +u.e 192.0.2.1 0 h.e b.e"},
        {SMTPD,
            "NOQUEUE: reject: VRFY from unknown[192.0.2.1]: 550 <x@y>: z; to=<x@y> proto=SMTP "
            "helo=<me>",
            "action!  0 192.0.2.1 0 me -"},
        {POSTSCREEN,
            "NOQUEUE: reject: RCPT from [192.0.2.1]:45263: 450 4.3.2 x; from=<p@b.example>, "
            "to=<m@c.example>, proto=ESMTP, helo=<some.box.net>",
            "action!  - 192.0.2.1 45263 some.box.net b.example"},
        {POSTSCREEN, "NOQUEUE: reject: CONNECT from [5.6.7.8]:1337: all server ports busy",
            "action!  - 5.6.7.8 1337  -"},
        {"postfix/cleanup",
            "8BDA720BB01: milter-reject: END-OF-MESSAGE from a.e[192.0.2.1]: 5.7.1 x; "
            "from=<s@b.e>" REST,
            "action! 8BDA720BB01 +a.e 192.0.2.1 0 h.example b.e"},
        {"postfix/cleanup",
            "413E164734: info: header Subject: hi from me from a.e[192.0.2.1]; from=<s@b.e>" REST,
            "action 413E164734 +a.e 192.0.2.1 0 h.example b.e"},
        {"postfix/cleanup",
            "48rT2v1hQrz1J0N: prepend: header X: a from a.e[192.0.2.1]; from=<s@b.e>" REST ": X: b",
            "action 48rT2v1hQrz1J0N +a.e 192.0.2.1 0 h.example b.e"},
        {SMTPD, "NOQUEUE: unheard: RCPT from a.example[192.0.2.1]: x; from=<s@b.e>" REST,
            "other  - - 0  -"},
        {SMTPD, "NOQUEUE: reject: RCPT from a.example[256.256.256.256]: x; from=<s@b.e>" REST,
            "other!  +a.example - 0  -"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] - 1; i++)
        check(&cases[i], 1);
    assert_int_equal(parse(SMTPD, cases[15].text).kind, POSTFIX_OTHER);
}

/* What strangers choose may look like any other field. The client is never theirs to choose; a HELO
 * comes out whole or not at all. */
static void
hostile(void **state)
{
    static const struct message cases[] = {
        {SMTPD,
            "NOQUEUE: info: RCPT from a.e[192.0.2.1]: x; from=<s@b.e> to=<r@t> proto=ESMTP "
            "helo=<x> from=<v@bank.example>>",
            "action  +a.e 192.0.2.1 0 x> from=<v@bank.example> b.e"},
        {SMTPD,
            "NOQUEUE: info: RCPT from a.e[192.0.2.1]: x; from=<s@b.e> to=<r@t> proto=ESMTP "
            "helo=<x> proto=ESMTP helo=<bank.example>",
            "action  +a.e 192.0.2.1 0 x> proto=ESMTP helo=<bank.example b.e"},
        {SMTPD,
            "NOQUEUE: info: RCPT from a.e[192.0.2.1]: x; from=<s@b.e> to=<r@t> proto=ESMTP "
            "helo=<x>; from=<v@bank.example> to=<r@t> proto=ESMTP helo=<bank.example>",
            "action  +a.e 192.0.2.1 0 x>; from=<v@bank.example> to=<r@t> proto=ESMTP "
            "helo=<bank.example b.e"},
        /* In the recipient that a reason quotes. */
        {SMTPD,
            "NOQUEUE: reject: RCPT from a.e[192.0.2.1]: 550 <x; from=<v@bank.example> to=<y@t>: "
            "no; from=<s@b.e> to=<r@t> proto=ESMTP helo=<h.e>",
            "action!  +a.e 192.0.2.1 0 h.e bad"},
        /* In the recipient itself. */
        {SMTPD,
            "NOQUEUE: reject: RCPT from a.e[192.0.2.1]: no; from=<s@b.e> to=<\"x> proto=ESMTP "
            "helo=<bank.example> \"@t> proto=ESMTP helo=<h.e>",
            "action!  +a.e 192.0.2.1 0 bank.example> \"@t> proto=ESMTP helo=<h.e b.e"},
        /* A line that was cut holds no whole HELO. */
        {SMTPD,
            "NOQUEUE: info: RCPT from a.e[192.0.2.1]: x; from=<s@b.e> to=<r@t> proto=ESMTP "
            "helo=<bank.exam",
            "action  +a.e 192.0.2.1 0  b.e"},
        {SMTPD, "NOQUEUE: info: RCPT from a.e[192.0.2.1]: x; from=<s@b.e> to=<r@t> pro",
            "action  +a.e 192.0.2.1 0  bad"},
        /* Two clients in a line that quotes a header, or two sets of fields. */
        {"postfix/cleanup",
            "413E164734: info: header Subject: x from v.e[192.0.2.9]; from=<v@bank.example> to=<x> "
            "proto=ESMTP helo=<v.e> from a.e[192.0.2.1]; from=<s@b.e>" REST,
            "other!"},
        {"postfix/cleanup",
            "413E164734: info: header Subject: x; from=<v@bank.example> to=<x> proto=ESMTP "
            "helo=<v.e> from a.e[192.0.2.1]; from=<s@b.e>" REST,
            "action 413E164734 +a.e 192.0.2.1 0 h.example b.e"},
        {"postfix/qmgr",
            "0F5383D: from=<\"x>, size=1, nrcpt=1 (queue active)\"@b.example>, size=5360, nrcpt=1 "
            "(queue active)",
            "from 0F5383D - - 0  b.example"},
        {SMTPD, "connect from a b[192.0.2.1]", "other!"},
    };
    char got[BRIEF_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct postfix_event event = parse(cases[i].program, cases[i].text);

        if (strcmp(cases[i].wanted, "other!") == 0)
            assert_int_equal(event.kind, POSTFIX_OTHER);
        else if (strcmp(brief(&event, got), cases[i].wanted) != 0)
            fail_msg("%s\n got \"%s\"\nnot \"%s\"", cases[i].text, got, cases[i].wanted);
    }
}

static void
spf_services(void **state)
{
    static const struct message cases[] = {
        {"policyd-spf",
            ": prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.10; "
            "helo=mail.g.example; envelope-from=a@g.example; receiver=test.local ",
            "spf  - 192.0.2.10 0 mail.g.example g.example spf-pass"},
        {"policyd-spf",
            "prepend Received-SPF: Softfail (mailfrom) identity=mailfrom; client-ip=2001:db8::1; "
            "helo=h; envelope-from=a@g.example; receiver=<UNKNOWN>",
            "spf  - 2001:db8::1 0 h g.example spf-softfail"},
        {"policyd-spf",
            "prepend Received-SPF: Temperror (mailfrom) identity=mailfrom; client-ip=192.0.2.1; "
            "helo=h.e; envelope-from=a@b.e; receiver=r",
            "spf  - 192.0.2.1 0 h.e b.e spf-temperror"},
        {"policyd-spf",
            "Fail; identity=mailfrom; client-ip=192.0.2.10; helo=h; envelope-from=a@g.example; "
            "receiver=r@t",
            "spf  - 192.0.2.10 0 h g.example spf-fail"},
        {"policyd-spf",
            ": 550 5.7.23 Message rejected due to: SPF fail - not authorized. Please see "
            "http://www.openspf.net/Why?s=mfrom;id=ceo@bank.example;ip=203.0.113.9;r=test.local",
            "spf  - 203.0.113.9 0  bank.example spf-fail"},
        {"policyd-spf",
            ": prepend Authentication-Results: m.e; spf=none (x) smtp.mailfrom=g.e "
            "(client-ip=192.0.2.1; helo=h.e; envelope-from=b+5=e@g.e; receiver=c.e)",
            "spf  - 192.0.2.1 0 h.e g.e spf-none"},
        {"postfix/policy-spf",
            "Policy action=PREPEND Received-SPF: pass (g.e: 192.0.2.10 is authorized to use "
            "'a@g.e' in 'mfrom' identity (mechanism 'mx' matched)) receiver=m; identity=mailfrom; "
            "envelope-from=\"a@g.e\"; helo=m.g.e; client-ip=192.0.2.10",
            "spf  - 192.0.2.10 0 m.g.e g.e spf-pass"},
        {"postfix/policy-spf",
            "Policy action=550 Please see http://www.openspf.org/Why?s=mfrom;"
            "id=ceo%40bank.example;ip=203.0.113.9;r=m",
            "spf  - 203.0.113.9 0  bank.example spf-fail"},
    };
    static const char *const not_one[] = {
        "prepend Received-SPF: Pass (helo) identity=helo; client-ip=192.0.2.1; helo=h.e; "
        "envelope-from=<>; receiver=r",
        /* A HELO that brings its own client. */
        "prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.1; "
        "helo=x; client-ip=192.0.2.9; envelope-from=a@b.e; receiver=r",
        "prepend Received-SPF: Pass (mailfrom) identity=mailfrom; client-ip=192.0.2.1; "
        "helo=x; envelope-from=v@bank.example; envelope-from=a@b.e; receiver=r",
        "550 5.7.23 Message rejected due to: SPF fail - not authorized.",
        "Policy action=DUNNO",
        "",
    };

    (void)state;
    CHECK(cases);
    for (size_t i = 0; i < sizeof not_one / sizeof not_one[0]; i++)
        if (parse("policyd-spf", not_one[i]).kind != POSTFIX_OTHER)
            fail_msg("taken: %s", not_one[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs),
        cmocka_unit_test(sessions),
        cmocka_unit_test(action_lines),
        cmocka_unit_test(hostile),
        cmocka_unit_test(spf_services),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

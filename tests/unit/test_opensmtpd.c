/* Messages of OpenSMTPD in all its ways to write them, and what its logs yield. */
#include "tests/unit/log_lines.h"

#include <unistd.h>

#include "loader/src_opensmtpd.h"

#define ID "1aa906c154801435"

static void
since_64(void **state)
{
    static const struct message cases[] = {
        {ID " smtp connected address=192.0.2.1 host=a.e", "client " ID "/ - 192.0.2.1 0  -"},
        {ID " smtp connected address=192.0.2.1 host=<unknown>", "client " ID "/ 0 192.0.2.1 0  -"},
        {ID " smtp connected address=[2001:db8::1] host=a.e", "client " ID "/ - 2001:db8::1 0  -"},
        {ID " smtp connected address=[IPv6:2001:db8::1] host=a.e",
            "client " ID "/ - 2001:db8::1 0  -"},
        {ID " smtp connected address=local host=mx.e", NULL},
        {ID " smtp message msgid=c405e39a size=303 nrcpt=1 proto=ESMTP",
            "accept " ID "/c405e39a - - 0  -"},
        {ID " smtp envelope evpid=c405e39a12345678 from=<s@B.e> to=<r@t.e>",
            "envelope " ID "/c405e39a - - 0  b.e"},
        {ID " smtp envelope evpid=c405e39a12345678 from=<> to=<r@t.e>",
            "envelope " ID "/c405e39a - - 0  <>"},
        {ID " smtp failed-command command=\"\" result=\"550 192.0.2.1 listed\"",
            "reject " ID "/ - - 0  -"},
        {ID " smtp failed-command command=\"EHLO x\" result=\"550 no\"", "reject " ID "/ - - 0  -"},
        {ID " smtp failed-command command=\"MAIL FROM:<s@b.e> SIZE=100\" result=\"550 no\"",
            "reject " ID "/ - - 0  b.e"},
        {ID " smtp failed-command command=\"mail from: <>\" result=\"550 no\"",
            "reject " ID "/ - - 0  <>"},
        {ID " smtp failed-command command=\"MAIL FROM:s@b.e\" result=\"501 no\"",
            "reject " ID "/ - - 0  bad"},
        {ID " smtp failed-command command=\"RCPT TO:<r@t.e> \" result=\"550 Invalid recipient\"",
            "reject " ID "/ - - 0  -"},
        {ID " smtp failed-command command=\"DATA\" result=\"451 Try again later\"",
            "reject " ID "/ - - 0  -"},
        {ID " smtp failed-command command=\".\" result=\"550 spam\"", "reject " ID "/ - - 0  -"},
        {ID " smtp failed-command command=\"AUTH LOGIN\" result=\"503 no\"", NULL},
        {ID " smtp bad-input result=\"500 Pipelining not supported\"", NULL},
        {ID " smtp authentication user=u result=ok", "auth* " ID "/ - - 0  -"},
        {ID " smtp authentication user=u result=permfail", NULL},
        {ID " smtp tls ciphers=TLSv1.2:ECDHE-RSA-AES256-SHA384:256", NULL},
        {ID " smtp disconnected reason=quit", "end " ID "/ - - 0  -"},
        {ID " mta connecting address=smtp://192.0.2.7:25 host=mx.e", NULL},
        {"1aa906c15480143 smtp disconnected reason=quit", NULL},
        {"info: OpenSMTPD 6.8.0p2 starting", NULL},
        {"", NULL},
    };

    (void)state;
    CHECK(opensmtpd_parse, cases);
}

#define CLIENT "address=192.0.2.1 host=a.e "

static void
until_63(void **state)
{
    static const struct message cases[] = {
        {ID " smtp event=connected address=192.0.2.1 host=a.e", "client " ID "/ - 192.0.2.1 0  -"},
        {ID " smtp event=message " CLIENT "msgid=c405e39a from=<s@b.e> to=<r@t.e> size=1 ndest=1 "
            "proto=ESMTP",
            "accept " ID "/c405e39a - 192.0.2.1 0  b.e"},
        {ID " smtp event=failed-command " CLIENT "command=\"RCPT TO:<r@t.e>\" result=\"550 no\"",
            "reject " ID "/ - 192.0.2.1 0  -"},
        {ID " smtp event=failed-command " CLIENT "command=\"AUTH LOGIN\" result=\"503 no\"", NULL},
        {ID " smtp event=authentication user=u " CLIENT "result=ok", "auth* " ID "/ - - 0  -"},
        {ID " smtp event=authentication user=u " CLIENT "result=permfail", NULL},
        {ID " smtp event=closed " CLIENT "reason=quit", "end " ID "/ - - 0  -"},
        {ID " smtp event=proxy address=127.0.0.1", NULL},
        /* Before that. */
        {"smtp-in: New session " ID " from host a.e [192.0.2.1]",
            "client " ID "/ - 192.0.2.1 0  -"},
        {"smtp-in: New session " ID " from host <unknown> [IPv6:2001:db8::1]",
            "client " ID "/ 0 2001:db8::1 0  -"},
        {"smtp-in: New session " ID " from host localhost [local]", NULL},
        {"smtp-in: Accepted message 4296f490 on session " ID ": from=<s@b.e>, to=<r@t.e>, size=1, "
         "ndest=1, proto=ESMTP",
            "accept " ID "/4296f490 - - 0  b.e"},
        {"smtp-in: Failed command on session " ID ": \"MAIL FROM:<s@b.e>  \" => 421 4.3.0: no",
            "reject " ID "/ - - 0  b.e"},
        {"smtp-in: Failed command on session " ID ": \"\" => 550 no", "reject " ID "/ - - 0  -"},
        {"smtp-in: Failed command on session " ID ": \"AUTH [...]\" => 535 no", NULL},
        {"smtp-in: Accepted authentication for user u on session " ID, "auth* " ID "/ - - 0  -"},
        {"smtp-in: Authentication failed for user u on session " ID, NULL},
        {"smtp-in: Closing session " ID, "end " ID "/ - - 0  -"},
        {"smtp-in: Disconnecting session " ID ": IO error: No SSL error", "end " ID "/ - - 0  -"},
        {"smtp-in: x", NULL},
    };

    (void)state;
    CHECK(opensmtpd_parse, cases);
}

/* A command's text ends nothing. */
static void
hostile(void **state)
{
    static const struct message cases[] = {
        {ID " smtp failed-command command=\"RCPT TO:<x\" from=<v@bank.e> to=<y>\" result=\"550 "
            "no\"",
            "reject " ID "/ - - 0  -"},
        {ID " smtp failed-command command=\"MAIL FROM:<x@b.e> from=<v@bank.e>\" result=\"550 no\"",
            "reject " ID "/ - - 0  b.e"},
        {ID " smtp failed-command command=\"x\" result=\"500 no\" smtp authentication user=u "
            "result=ok",
            NULL},
        {ID " smtp connected address=192.0.2.1", NULL},
        {ID " smtp connected address=192.0.2 host=a.e", NULL},
        {ID " smtp message msgid=c405e39 size=303", NULL},
        {ID " smtp envelope evpid=c405e39a from=<s@b.e> to=<r@t.e>", NULL},
        {ID " smtp envelope evpid=c405e39a12345678 from=<s@b.e", NULL},
        {ID " smtp failed-command command=\"", NULL},
    };

    (void)state;
    CHECK(opensmtpd_parse, cases);
}

/* -- logs -- */

#define AT "Nov 24 09:00:00 mx smtpd[9]: "
#define A  "\n" AT "1aa906c154801431 smtp "
#define B  "\n" AT "1aa906c154801432 smtp "
#define C  "\n" AT "1aa906c154801433 smtp "

static void
joined(void **state)
{
    (void)state;
    check_log(LOG_OPENSMTPD,
        A "connected address=192.0.2.1 host=a.e" B "connected address=192.0.2.2 host=<unknown>" B
          "failed-command command=\"RCPT TO:<q@t.e>\" result=\"550 no\"" B
          "failed-command command=\"RCPT TO:<r@t.e>\" result=\"550 no\"" A
          "failed-command command=\"RCPT TO:<r@t.e>\" result=\"550 no\"" A
          "message msgid=c405e39a size=303 nrcpt=2 proto=ESMTP" A
          "envelope evpid=c405e39a00000001 from=<s@b.e> to=<r@t.e>" A
          "envelope evpid=c405e39a00000002 from=<s@b.e> to=<q@t.e>" A "disconnected reason=quit" B
          "disconnected reason=quit",
        "+ 192.0.2.1 -  b.e\n- 192.0.2.2 0  -\n");
    /* A mail turned away at its sender, then one that is accepted. */
    check_log(LOG_OPENSMTPD,
        A "connected address=192.0.2.1 host=a.e" A
          "failed-command command=\"MAIL FROM:<s@c.e>\" result=\"550 no\"" A
          "message msgid=c405e39a size=303 nrcpt=1 proto=ESMTP" A
          "envelope evpid=c405e39a00000001 from=<s@b.e> to=<r@t.e>" A "disconnected reason=quit",
        "+ 192.0.2.1 -  b.e\n- 192.0.2.1 -  c.e\n");
    /* Our own users; mail made here; a session whose begin is not in the log. */
    check_log(LOG_OPENSMTPD,
        A "connected address=192.0.2.1 host=a.e" A "authentication user=u result=ok" A
          "message msgid=c405e39a size=303 nrcpt=1 proto=ESMTP" A
          "envelope evpid=c405e39a00000001 from=<s@b.e> to=<r@t.e>" B
          "connected address=local host=mx" B
          "message msgid=c405e39b size=303 nrcpt=1 proto=ESMTP" C
          "failed-command command=\"\" result=\"550 no\"",
        "+ 192.0.2.1 -  b.e authenticated\n");
    /* Older forms: a line for each recipient. */
    check_log(LOG_OPENSMTPD,
        A "event=connected address=192.0.2.1 host=<unknown>" A
          "event=message address=192.0.2.1 host=<unknown> msgid=c405e39a from=<s@b.e> to=<q@t.e> "
          "size=1 ndest=1 proto=ESMTP" A
          "event=message address=192.0.2.1 host=<unknown> msgid=c405e39a from=<s@b.e> to=<r@t.e> "
          "size=1 ndest=1 proto=ESMTP" A
          "event=closed address=192.0.2.1 host=<unknown> reason=quit",
        "+ 192.0.2.1 0  b.e\n");
    check_log(LOG_OPENSMTPD,
        AT "smtp-in: New session " ID " from host a.e [192.0.2.3]\n" AT
           "smtp-in: Accepted message 4296f490 on session " ID ": from=<>, to=<r@t.e>, size=1, "
           "ndest=1, proto=SMTP\n" AT "smtp-in: Closing session " ID,
        "+ 192.0.2.3 -  <>\n");
    /* Postfix has a program of this name below its own. */
    check_log(LOG_OPENSMTPD,
        "Nov 24 09:00:00 mx postfix/smtpd[9]: connect from unknown[192.0.2.1]\n", "");
}

/* A real server's messages, without stamps: a client turned away, and one that quits. */
static void
end_to_end(void **state)
{
    static const char path[] = "../shared/data/mtalogs/e2e-opensmtpd6.8.log";
    FILE *in = fopen(path, "re");
    char row[1024], line[2048];
    struct seen seen;

    (void)state;
    if (in == NULL) {
        print_message("%s is absent: not read\n", path);
        skip();
    }
    struct sessions *sessions = sessions_of(&seen);
    while (fgets(row, sizeof row, in) != NULL) {
        (void)snprintf(line, sizeof line, AT "%s", row);
        assert_int_equal(opensmtpd_line(sessions, text_of(line), NOW, 0), ERR_OK);
    }
    (void)fclose(in);
    end_sessions(&sessions, LOG_OPENSMTPD);
    assert_string_equal(seen.text, "- 203.0.113.2 -  -\n");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(since_64),
        cmocka_unit_test(until_63),
        cmocka_unit_test(hostile),
        cmocka_unit_test(joined),
        cmocka_unit_test(end_to_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

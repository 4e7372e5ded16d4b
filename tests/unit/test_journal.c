/* The journal's export format, and lines of any MTA on standard input. */
#include "loader/logsource.h"
#include "loader/src_journal.h"
#include "tests/unit/observe_fixture.h"

/* The entries as lines, each with its end. */
static const char *
lines_of(struct fixture *f, const void *export, size_t n)
{
    char path[128];
    struct logfile what;
    struct logread *reader;
    struct journal *journal;
    struct text line;

    (void)snprintf(path, sizeof path, "%s/export", f->root);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(export, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(logfile_look(path, &what, &f->msg), ERR_OK);
    assert_int_equal(logread_open(path, &what, 0, &reader, &f->msg), ERR_OK);
    assert_int_equal(journal_new(&journal), ERR_OK);
    f->n = 0;
    f->got[0] = '\0';
    while (journal_line(journal, reader, (struct text){"", 0}, &line))
        f->n +=
            (size_t)snprintf(f->got + f->n, sizeof f->got - f->n, "%.*s\n", (int)line.n, line.p);
    journal_free(&journal);
    logread_close(&reader);
    return f->got;
}

#define TIME "__REALTIME_TIMESTAMP=1795514400123456\n"
#define HEAD TIME "_HOSTNAME=mx\nSYSLOG_IDENTIFIER=postfix/smtpd\n"
#define LINE "2026-11-24T10:00:00Z mx postfix/smtpd[7]: "

static void
entries(void **state)
{
    static const struct {
        const char *export;
        size_t n;
        const char *lines;
    } cases[] = {
#define CASE(export, lines) {export, sizeof export - 1, lines}
        CASE("__CURSOR=s=1\n" HEAD "_PID=9\nSYSLOG_PID=7\nPRIORITY=6\nMESSAGE=a = b\n\n" HEAD
             "_PID=7\nMESSAGE=c\n\n",
            LINE "a = b\n" LINE "c\n"),
        /* No empty line at the end; several between. */
        CASE(HEAD "_PID=7\nMESSAGE=a\n\n\n\n" HEAD "_PID=7\nMESSAGE=b\n", LINE "a\n" LINE "b\n"),
        CASE(HEAD "_PID=7\nMESSAGE\n\x03\0\0\0\0\0\0\0x\ny\n\n" HEAD "_PID=7\nMESSAGE=b\n\n",
            LINE "x\ny\n" LINE "b\n"),
        CASE(HEAD "_PID=7\nJUNK\n\x08\0\0\0\0\0\0\0\n\nMESSAG\nMESSAGE=b\n\n", LINE "b\n"),
        /* The first of a field counts; entries without what a line needs yield none. */
        CASE(HEAD "_PID=7\nMESSAGE=a\nMESSAGE=b\n\n", LINE "a\n"),
        CASE(TIME "_PID=7\nMESSAGE=a\n\n" HEAD "_PID=7\n\n", ""),
        CASE(TIME "_HOSTNAME=mx\nSYSLOG_IDENTIFIER=a: b\n_PID=7\nMESSAGE=a\n\n", ""),
        CASE(TIME "SYSLOG_IDENTIFIER=a\nMESSAGE=x\n\n", "2026-11-24T10:00:00Z a[]: x\n"),
        /* Cut off. */
        CASE(HEAD "_PID=7\nMESSAGE\n\x09\0\0\0\0\0\0\0x", ""),
        CASE(HEAD "_PID=7\nMESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffx\n\n", ""),
        CASE("", ""),
#undef CASE
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(lines_of(*state, cases[i].export, cases[i].n), cases[i].lines);
    assert_true(journal_begins((struct text){"__CURSOR=s", 10}));
    assert_false(journal_begins((struct text){"Nov 24 10:", 10}));
}

static void
count(void *ctx, const struct observation *seen, const struct session_origin *origin)
{
    (void)origin;
    ((unsigned *)ctx)[seen->outcome]++;
}

/* Each line finds its source. */
static void
any_mta(void **state)
{
    static const char *const lines[] = {
        "Nov 24 09:00:00 mx postfix/smtpd[7]: 4XyZ12Abc: client=a.e[192.0.2.1]",
        "Nov 24 09:00:00 mx postfix/qmgr[8]: 4XyZ12Abc: from=<s@b.e>, size=1, nrcpt=1 (queue "
        "active)",
        "2026-11-24 09:00:00 1xVgzv-00003k-2y <= s@b.e H=h.e [192.0.2.2] P=esmtp S=2",
        "Nov 24 09:00:00 mx exim[9]: 2026-11-24 09:00:00 1xVgzv-00003k-2z <= s@b.e H=h.e "
        "[192.0.2.3] P=esmtp S=2",
        "Nov 24 09:00:00 mx sm-mta[7]: s1P819mk027713: from=<s@b.e>, size=1, class=0, nrcpts=1, "
        "proto=ESMTP, daemon=MTA, relay=a.e [192.0.2.4]",
        "2026-11-24 09:00:00 #174(normal) <x>; task; rspamd_task_write_log: id: <m>, ip: "
        "192.0.2.5, (default: T (reject): [16/15] [])",
        "2026-11-24T09:00:00.123456+00:00 mx amavis[9]: (01234-05) Blocked SPAM "
        "{DiscardedInbound}, "
        "[192.0.2.6] <s@b.e> -> <r@t.e>, Hits: 19",
        "Nov 24 09:01:00 mx kernel: x",
        "Nov 24 10:00:00 mx postfix/smtpd[7]: connect from unknown[127.0.0.1]",
    };
    unsigned counts[3] = {0};
    struct sessions *sessions;

    (void)state;
    assert_int_equal(sessions_new(count, counts, &sessions), ERR_OK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(
            logsource_any(sessions, (struct text){lines[i], strlen(lines[i])}, NOW, 0), ERR_OK);
    sessions_settle(sessions);
    assert_int_equal(counts[OBS_ACCEPTED], 4);
    assert_int_equal(counts[OBS_REPORT], 2);
    assert_int_equal(counts[OBS_ATTEMPT], 0);
    assert_int_equal(logsource_any(sessions, (struct text){"nonsense", 8}, NOW, 0), ERR_SYNTAX);
    sessions_free(&sessions);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(entries, setup, teardown),
        cmocka_unit_test(any_mta),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Heads of syslog lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/logline.h"

/* 2026-11-24 10:00:00 UTC */
#define NOW INT64_C(1795514400)

static struct logline
parse(const char *line, int64_t now_s, int32_t offset_s)
{
    struct logline out;

    if (logline_parse(line, strlen(line), now_s, offset_s, &out) != ERR_OK)
        fail_msg("not parsed: %s", line);
    return out;
}

static void
expect(const char *line, int64_t when_s, const char *host, const char *program, uint32_t pid,
    const char *text)
{
    struct logline out = parse(line, NOW, 0);

    if (out.when_s != when_s)
        fail_msg("%s: %lld, not %lld", line, (long long)out.when_s, (long long)when_s);
    assert_true(text_equals(out.host, host));
    assert_true(text_equals(out.program, program));
    assert_int_equal(out.pid, pid);
    assert_int_equal(out.text.n, strlen(text));
    assert_memory_equal(out.text.p, text, out.text.n);
}

static void
forms(void **state)
{
    (void)state;
    expect("Nov 24 03:25:01 mx postfix/smtpd[174]: connect from a[192.0.2.1]", 1795490701, "mx",
        "postfix/smtpd", 174, "connect from a[192.0.2.1]");
    expect("Aug 4 16:47:52 m p/smtpd[1]: x", 1785862072, "m", "p/smtpd", 1, "x");
    expect("Aug  4 16:47:52 m p/smtpd[1]: x\r", 1785862072, "m", "p/smtpd", 1, "x");
    expect("<22>Aug  4 16:47:52 m p: x", 1785862072, "m", "p", 0, "x");
    expect("Nov 24 03:27:28 postfix/policy-spf[286]: Policy action=DUNNO", 1795490848, "",
        "postfix/policy-spf", 286, "Policy action=DUNNO");
    expect("2024-08-26T01:33:38.572449+00:00 machine postfix/smtpd[60203]: NOQUEUE: x", 1724636018,
        "machine", "postfix/smtpd", 60203, "NOQUEUE: x");
    expect("2024-08-26T01:33:38+02:00 h p[1]: x", 1724628818, "h", "p", 1, "x");
    expect("2024-08-26T01:33:38.5-0530 h p[1]: x", 1724655818, "h", "p", 1, "x");
    expect("2024-08-26T01:33:38Z h p[1]: x", 1724636018, "h", "p", 1, "x");
    expect("2024-08-26 01:33:38 h p[1]: x", 1724636018, "h", "p", 1, "x");
    expect("Nov 24 2025 03:25:01 h p[1]: x", 1763954701, "h", "p", 1, "x");
    expect("Nov 24 03:25:01 h postfix/smtpd[7]: [ID 197553 mail.info] connect from a", 1795490701,
        "h", "postfix/smtpd", 7, "connect from a");
    expect("Nov 24 03:25:01 <mail.info> h postfix/smtpd[7]: connect", 1795490701, "h",
        "postfix/smtpd", 7, "connect");
    expect("Nov 24 03:25:01 h p[7]:", 1795490701, "h", "p", 7, "");
}

/* RFC 5424 6. */
static void
structured(void **state)
{
    struct logline line;

    (void)state;
    expect("<22>1 2026-11-24T03:25:01.003Z mx postfix/smtpd 7 - - connect", 1795490701, "mx",
        "postfix/smtpd", 7, "connect");
    expect("<22>1 2026-11-24T03:25:01Z mx p 7 ID [a@1 b=\"\\]\"][e] \xef\xbb\xbfx [y]", 1795490701,
        "mx", "p", 7, "x [y]");
    expect("<22>1 2026-11-24T03:25:01Z - p - - -", 1795490701, "", "p", 0, "");
    expect("<22>1 2026-11-24T03:25:01Z h p 7 - - message repeated 2 times: [ a]", 1795490701, "h",
        "p", 7, "a");
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = {"<22>1 - h p 7 - - x",
            "<22>1 2026-11-24T03:25:01Z h p 7 -", "<22>1 2026-11-24T03:25:01Z h - 7 - - x",
            "<22>1 2026-11-24T03:25:01Z h p 7 - [a x"};

        assert_int_equal(logline_parse(bad[i], strlen(bad[i]), NOW, 0, &line), ERR_SYNTAX);
    }
}

static void
repeated(void **state)
{
    (void)state;
    expect("Nov 24 03:25:01 h p[7]: message repeated 2 times: [ A1: client=x[192.0.2.1]]",
        1795490701, "h", "p", 7, "A1: client=x[192.0.2.1]");
    expect("Nov 24 03:25:01 h p[7]: message repeated 2 times: []", 1795490701, "h", "p", 7, "");
    expect("Nov 24 03:25:01 h p[7]: message repeated x times: [ a]", 1795490701, "h", "p", 7,
        "message repeated x times: [ a]");
    expect("Nov 24 03:25:01 h p[7]: message repeated 2 times: [ a", 1795490701, "h", "p", 7,
        "message repeated 2 times: [ a");
}

static void
months(void **state)
{
    static const struct {
        const char *line;
        int64_t when_s;
    } cases[] = {
        {"oct. 02 12:06:22 h p[1]: x", 1790942782},
        {"M\xc3\xa4r 02 12:06:22 h p[1]: x", 1772453182},
        {"M\xe4r 02 12:06:22 h p[1]: x", 1772453182},
        {"M\xc3\xa4rz  2 12:06:22 h p[1]: x", 1772453182},
        {"d\xc3\xa9"
         "c. 02 12:06:22 h p[1]: x",
            1764677182},
        {"Dez 02 12:06:22 h p[1]: x", 1764677182},
        {"Mai 02 12:06:22 h p[1]: x", 1777723582},
        {"juil. 02 12:06:22 h p[1]: x", 1782993982},
        {"juin 02 12:06:22 h p[1]: x", 1780401982},
        {"Okt  2 12:06:22 h p[1]: x", 1790942782},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        if (parse(cases[i].line, NOW, 0).when_s != cases[i].when_s)
            fail_msg("%s: %lld", cases[i].line, (long long)parse(cases[i].line, NOW, 0).when_s);
}

static void
years(void **state)
{
    (void)state;
    /* Up to a day ahead is this year: clocks differ. More is last year. */
    assert_int_equal(parse("Nov 25 09:59:59 h p: x", NOW, 0).when_s, NOW + 86399);
    assert_int_equal(parse("Nov 25 10:00:00 h p: x", NOW, 0).when_s, NOW + 86400);
    assert_int_equal(parse("Nov 25 10:00:01 h p: x", NOW, 0).when_s, NOW + 86401 - 365 * 86400);
    /* 2026-01-01 00:00:10: December is last year's. */
    assert_int_equal(parse("Dec 31 23:59:50 h p: x", 1767225610, 0).when_s, 1767225590);
    /* 2025-12-31 23:59:50: the next year has begun over there. */
    assert_int_equal(parse("Jan  1 00:00:10 h p: x", 1767225590, 0).when_s, 1767225610);
    /* The 29th of February is of a leap year: 2024. */
    assert_int_equal(parse("Feb 29 12:00:00 h p: x", NOW, 0).when_s, 1709208000);
}

static void
offsets(void **state)
{
    (void)state;
    assert_int_equal(parse("Nov 24 03:25:01 h p: x", NOW, 3600).when_s, 1795490701 - 3600);
    assert_int_equal(parse("Nov 24 03:25:01 h p: x", NOW, -18000).when_s, 1795490701 + 18000);
    /* One that is written counts. */
    assert_int_equal(parse("2024-08-26T01:33:38Z h p[1]: x", NOW, 3600).when_s, 1724636018);
    assert_int_equal(parse("2024-08-26T01:33:38 h p[1]: x", NOW, 3600).when_s, 1724632418);
}

static void
refused(void **state)
{
    static const char *const lines[] = {"", " ", "x", "Nov", "Nov 24", "Nov 24 03:25:01",
        "Nov 24 03:25:01 ", "Nov 24 03:25:01 host", "Nov 24 03:25:01 host program text",
        "Nov 32 03:25:01 h p: x", "Nov 24 24:25:01 h p: x", "Nov 24 03:60:01 h p: x",
        "Foo 24 03:25:01 h p: x", "2024-13-01T00:00:00Z h p: x", "2024-00-01T00:00:00Z h p: x",
        "0000-01-01T00:00:00Z h p: x", "2024-02-30T00:00:00Z h p: x", "Nov 24 03:25:01h p: x",
        "2024-08-26T01:33:38+99:00 h p: x", "Nov 24 03:25:01 h [1]: x", "<22>", "<22",
        "Nov 24 03:25:01 h : x", "NOQUEUE: reject: x"};
    struct logline out;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        if (logline_parse(lines[i], strlen(lines[i]), NOW, 0, &out) != ERR_SYNTAX)
            fail_msg("parsed: %s", lines[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(structured),
        cmocka_unit_test(repeated),
        cmocka_unit_test(months),
        cmocka_unit_test(years),
        cmocka_unit_test(offsets),
        cmocka_unit_test(refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

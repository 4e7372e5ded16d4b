/* Lines of plain records (generic) and access lists (acl), and the $SOA and $NS of all lists. What
 * rbldnsd does with these lines was tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/listfile.h"
#include "loader/listrecord.h"
#include "tools/dumpline.h"
#include "tools/tools.h"

#define NOW INT64_C(1780272000) /* 2026-06-01 */

/* The last line's outcome: an entry as text, "-" for none, "?" for a skipped line, "FAIL"; and what
 * was warned of, if an entry came with it. */
static void
run_lines(enum list_type type, const char *text, char *out, size_t size)
{
    struct listfile file;
    struct listfile_entry entry = {0};
    const char *what;
    enum err err = ERR_OK;
    FILE *to = fmemopen(out, size, "w");
    assert_non_null(to);
    listfile_init(&file, type, NOW);
    for (const char *at = text; *at != '\0'; at += *at == '\n') {
        size_t n = strcspn(at, "\n");
        err = listfile_line(&file, at, n, &entry, &what);
        assert_true((err == ERR_OK || err == ERR_NOTFOUND) || what != NULL);
        at += n;
    }
    struct recordset_rr rr;
    uint8_t bytes[LISTFILE_VALUE_MAX];
    if (err != ERR_OK) {
        fputs(err == ERR_NOTFOUND ? "-" : err == ERR_REFUSED ? "FAIL" : "?", to);
    } else if (type == LIST_GENERIC) {
        assert_int_equal(listrecord_decode(slice_of(entry.rr.b, entry.rr.n), &rr), ERR_OK);
        text_name(to, &entry.name);
        fprintf(to, " %u ", rr.ttl_s);
        text_record(to, &rr);
    } else {
        text_range(to, &entry.range);
        fputc(' ', to);
        text_value(to, slice_of(bytes, listfile_value(&file, &entry.value, bytes)));
    }
    if (err == ERR_OK && what != NULL)
        fputs(" (warned)", to);
    assert_int_equal(fclose(to), 0);
}

struct line_case {
    const char *text, *want;
};

static void
run_cases(enum list_type type, const struct line_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[2048];
        run_lines(type, cases[i].text, out, sizeof out);
        if (strcmp(out, cases[i].want) != 0)
            fail_msg("%s: %s, wanted %s", cases[i].text, out, cases[i].want);
    }
}

#define X50 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
lines_of_records(void **state)
{
    static const struct line_case cases[] = {
        {"a.b A 1.2.3.4", "a.b 0 A 1.2.3.4"},
        {" A.b \t a\t1.2.3.4 ", "a.b 0 A 1.2.3.4"},
        {"a 300 IN A 1.2.3.4", "a 300 A 1.2.3.4"},
        {"a 5m in TXT x", "a 300 TXT \"x\""},
        {"a in 300 A 1.2.3.4", "?"},
        {"a 0 A 1.2.3.4", "a 0 A 1.2.3.4"},
        {"$TTL 7\na 0 A 1.2.3.4", "a 7 A 1.2.3.4"},
        {"$TTL 7\n$TTL 8\na A 1.2.3.4", "a 8 A 1.2.3.4"},
        {"a 5x A 1.2.3.4", "?"},
        {"a 5m: A 1.2.3.4", "?"},
        {"a 4294967296 A 1.2.3.4", "?"},
        {"in A 1.2.3.4", "in 0 A 1.2.3.4"},
        {"a IN IN A 1.2.3.4", "?"},
        {"a CH A 1.2.3.4", "?"},
        {"@ A 1.2.3.4", ". 0 A 1.2.3.4"},
        {"\\@ A 1.2.3.4", "@ 0 A 1.2.3.4"},
        {"@x A 1.2.3.4", "@x 0 A 1.2.3.4"},
        {". A 1.2.3.4", "?"},
        {"*.w A 1.2.3.4", "*.w 0 A 1.2.3.4"},
        {"a.b. A 1.2.3.4", "a.b 0 A 1.2.3.4"},
        {"\\97\\46b A 1.2.3.4", "a\\.b 0 A 1.2.3.4"},
        {"a\\256 A 1.2.3.4", "?"},
        {X50 X50 " A 1.2.3.4", "?"},
        {"a", "?"},
        {"a A", "?"},
        {"a TXT", "?"},
        {"a NS b", "?"},
        {"a CNAME b", "?"},
        {"!a A 1.2.3.4", "!a 0 A 1.2.3.4"},
        {":5:x", "?"},
        {"# a A 1.2.3.4", "-"},
        {"a A 1.2.3.4 # note", "a 0 A 1.2.3.4"},
        {"a A 1.2.3.4x", "a 0 A 1.2.3.4"},
        {"a A 1.2", "a 0 A 1.0.0.2"},
        {"a A 1.2.3", "a 0 A 1.2.0.3"},
        {"a A 5", "a 0 A 0.0.0.5"},
        {"a A 0", "a 0 A 0.0.0.0"},
        {"a A 1.2.3.", "?"},
        {"a A 256.1.1.1", "?"},
        {"a A ::1", "?"},
        {"a TXT plain text ; here $ $1", "a 0 TXT \"plain text ; here $ $1\""},
        {"a TXT \"quoted\"", "a 0 TXT \"quoted\""},
        {"a TXT \"half", "a 0 TXT \"\\\"half\""},
        {"a TXT \"a\" \"b\"", "a 0 TXT \"a\\\" \\\"b\""},
        {"a TXT \"\"", "a 0 TXT \"\""},
        {"a TXT \"", "a 0 TXT \"\\\"\""},
        {"a TXT x\r", "a 0 TXT \"x\""},
        {"a TXT " X50 X50 X50 X50 X50 "12345", "a 0 TXT \"" X50 X50 X50 X50 X50 "12345\""},
        {"a TXT " X50 X50 X50 X50 X50 "123456",
            "a 0 TXT \"" X50 X50 X50 X50 X50 "12345\" (warned)"},
        {"a MX 10 Mail.example.com", "a 0 MX 10 mail.example.com."},
        {"a MX 10 mail.example.com.", "a 0 MX 10 mail.example.com."},
        {"a MX 0 .", "a 0 MX 0 ."},
        {"a MX 65535 m", "a 0 MX 65535 m."},
        {"a MX 65536 m", "?"},
        {"a MX m", "?"},
        {"a MX 10", "?"},
        {"a MX 10 m n", "?"},
        {"a MX 10x m", "?"},
        {"$DATASET dnset a", "?"},
    };
    (void)state;
    run_cases(LIST_GENERIC, cases, sizeof cases / sizeof *cases);
}

static void
lines_of_clients(void **state)
{
    static const struct line_case cases[] = {
        {"1.2.3.4", "1.2.3.4 0.0.0.1"},
        {"1.2.3.4 :ignore", "1.2.3.4 0.0.0.1"},
        {"1.2.3.4 =blackhole", "1.2.3.4 0.0.0.1"},
        {"1.2.3.4:Refuse", "1.2.3.4 0.0.0.2"},
        {"1.2.3.0/24 :empty # note", "1.2.3.0-1.2.3.255 0.0.0.3"},
        {"1.2/16 =pass", "1.2.0.0-1.2.255.255 0.0.0.4"},
        {"1.2.3 :pass:more", "1.2.3.0-1.2.3.255 0.0.0.4"},
        {"0/0 :refuse", "0.0.0.0-255.255.255.255 0.0.0.2"},
        {"1.2.3.4/24", "?"},
        {"1.2.3.4/33", "?"},
        {"5", "?"},
        {"1.2.3.1-5", "?"},
        {"!1.2.3.4", "?"},
        {"2001:db8::/32 :refuse", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff 0.0.0.2"},
        {"::1", "::1 0.0.0.1"},
        {"::1:refuse", "?"},
        {"::1::refuse", "::1 0.0.0.2"},
        {"20::/16 =empty", "20::-20:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0.0.0.3"},
        {"::ffff:102:304 :pass", "1.2.3.4 0.0.0.4"},
        {"2001:db8::1/32", "?"},
        {"1.2.3.4 :127.0.0.9:no $", "1.2.3.4 127.0.0.9 \"no $\""},
        {"1.2.3.4 :9:", "1.2.3.4 127.0.0.9"},
        {"1.2.3.4 :9", "1.2.3.4 127.0.0.9"},
        {"1.2.3.4 text of $", "1.2.3.4 127.0.0.2 \"text of $\""},
        {"1.2.3.4 refuse", "1.2.3.4 127.0.0.2 \"refuse\" (warned)"},
        {"1.2.3.4 :0.0.0.2:x", "?"},
        {"1.2.3.4 :0.0.0.5:x", "1.2.3.4 0.0.0.5 \"x\""},
        {"1.2.3.4 :0:x", "?"},
        {"1.2.3.4 =text", "?"},
        {"1.2.3.4 :refused", "?"},
        {":refuse\n1.2.3.4", "1.2.3.4 0.0.0.2"},
        {"=empty\n1.2.3.4", "1.2.3.4 0.0.0.3"},
        {"=foo\n1.2.3.4", "1.2.3.4 0.0.0.1"},
        {":5:text\n1.2.3.4", "1.2.3.4 127.0.0.5 \"text\""},
        {":5:text\n:6\n1.2.3.4", "1.2.3.4 127.0.0.6 \"text\""},
        {":5:text\n:refuse\n1.2.3.4", "1.2.3.4 0.0.0.2"},
        {":5:text\n:refuse\n1.2.3.4 :6", "1.2.3.4 127.0.0.6 \"text\""},
        {":5:text\n1.2.3.4 :pass", "1.2.3.4 0.0.0.4"},
        {"$1 one\n1.2.3.4 :5:$1 $", "1.2.3.4 127.0.0.5 \"one $\""},
        {"$= base $=\n1.2.3.4 :5:own", "1.2.3.4 127.0.0.5 \"base own\""},
        {"$= base $=\n1.2.3.4 :refuse", "1.2.3.4 0.0.0.2"},
        {"$MAXRANGE4 /24\n1.2/16", "?"},
        {"$MAXRANGE4 /24\n::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 0.0.0.1"},
        {"$SOA 1 a b 1 1 1 1 1", "?"},
        {"$NS 1 a", "?"},
    };
    (void)state;
    run_cases(LIST_ACL, cases, sizeof cases / sizeof *cases);
}

static void
lines_of_authority(void **state)
{
    static const struct line_case cases[] = {
        {"$SOA 1h ns.x. Root.X 5 1h 2m 1w 3d",
            "soa l ttl 3600 ns.x root.x 5 3600 120 604800 259200\n"},
        {"#$soa 1 a . 0 1 1 1 1", "soa l ttl 1 a . 0 1 1 1 1\n"},
        {"$SOA 1 a b 1 1 1 1 1\n$SOA 2 c d 2 2 2 2 2", "soa l ttl 1 a b 1 1 1 1 1\n"},
        {"$SOA 1 a b\n$SOA 2 c d 2 2 2 2 2", "soa l ttl 2 c d 2 2 2 2 2\n"},
        {"$SOA 1 a b 1 1 1 1 1 1", ""},
        {"$SOA 1 a b 1h 1 1 1 1", ""},
        {"$SOA x a b 1 1 1 1 1", ""},
        {"$TTL 7\n$SOA 0 a b 1 1 1 1 1\n$TTL 8", "soa l ttl 7 a b 1 1 1 1 1\n"},
        {"$NS 1d a -b c", "ns l ttl 86400 a\nns l ttl 86400 c\n"},
        {"$NAMESERVER 1 a", "ns l ttl 1 a\n"},
        {"$NS 1 -a\n$NS 2 b\n$NS 3 c", "ns l ttl 2 b\n"},
        {"$NS 1", ""},
        {"$NS a", ""},
        {"$NS 1 a\\256 b\n$NS 2 c", "ns l ttl 2 c\n"},
        {"$NS 1 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 "
         "31 "
         "32 33",
            "32"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct authority authority = {0};
        struct listfile file;
        struct listfile_entry entry;
        const char *what;
        char *text = NULL;
        size_t size;
        listfile_init(&file, LIST_DNSET, NOW);
        file.authority = &authority;
        for (const char *at = cases[i].text; *at != '\0'; at += *at == '\n') {
            size_t n = strcspn(at, "\n");
            assert_true(listfile_line(&file, at, n, &entry, &what) != ERR_OK);
            at += n;
        }
        FILE *out = open_memstream(&text, &size);
        assert_non_null(out);
        if (authority.ns_count == AUTHORITY_NS_MAX)
            fputs("32", out);
        else
            dump_authority(&(struct dumpline){.out = out}, "l", &authority);
        assert_int_equal(fclose(out), 0);
        if (strcmp(text, cases[i].want) != 0)
            fail_msg("%s: %s, wanted %s", cases[i].text, text, cases[i].want);
        free(text);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(lines_of_records),
        cmocka_unit_test(lines_of_clients), cmocka_unit_test(lines_of_authority)};
    return cmocka_run_group_tests_name("listlines", tests, NULL, NULL);
}

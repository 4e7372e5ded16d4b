/* The query log: what a worker notes of an answer, and the lines made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/query.h"
#include "server/querylog.h"
#include "zones/wire.h"

/* A query of this name in wire form, and its answer's header. */
struct asked {
    uint8_t packet[512];
    struct request request;
    struct answer_note note;
    uint8_t reply[12];
};

static void
ask(struct asked *asked, const void *name, size_t name_n, uint16_t type, uint16_t class)
{
    *asked = (struct asked){.note = {.question_len = (uint16_t)(name_n + 4)}};
    struct wire_out out = wire_out_of(asked->packet, sizeof asked->packet);
    wire_put(&out, "\0\1\1\0\0\1\0\0\0\0\0", 12);
    wire_put(&out, name, name_n);
    wire_put_u16(&out, type);
    wire_put_u16(&out, class);
    asked->request = (struct request){.packet = asked->packet, .len = out.n};
}

static void
set_client(struct asked *asked, const char *text)
{
    assert_int_equal(ip_parse(text, strlen(text), &asked->request.client), ERR_OK);
}

/* The line of what the log has taken, "" if nothing. */
static const char *
line_of(struct querylog *log, const struct asked *asked, size_t bytes, bool text)
{
    static char line[QUERYLOG_LINE_MAX + 1];
    uint8_t record[LOGRING_RECORD_MAX];
    assert_true(querylog_take(log, &asked->request, &asked->note, asked->reply, bytes, 1795488959));
    size_t n = logring_get(log->ring, record);
    n = n == 0 ? 0 : querylog_format(record, n, text, line);
    line[n] = '\0';
    return line;
}

static void
lines(void **state)
{
    static const struct {
        const char *client;
        bool full;
        const char *name;
        size_t name_n;
        uint16_t type, class;
        uint8_t rcode, answers;
        size_t bytes;
        const char *line;
    } cases[] = {
        /* The line that rbldnsd itself wrote. */
        {"127.0.0.1", true, "\0012\0010\0010\003127\003rep\7example", 23, 1, 1, 0, 1, 113,
            "1795488959 127.0.0.1 2.0.0.127.rep.example A IN: NOERROR/1/113\n"},
        {"127.0.0.1", false, "\0012\0010\0010\003127\003Rep\7exAmple", 23, 1, 1, 0, 1, 113,
            "1795488959 127.0.0.0 2.0.0.127.Rep.exAmple A IN: NOERROR/1/113\n"},
        {"2001:db8:1:2345::9", false, "\1x", 3, 28, 1, 3, 0, 65535,
            "1795488959 2001:db8:1:2300:: x AAAA IN: NXDOMAIN/0/65535\n"},
        {"2001:db8:1:2345::9", true, "", 1, 2, 1, 5, 0, 17,
            "1795488959 2001:db8:1:2345::9 . NS IN: REFUSED/0/17\n"},
        {"192.0.2.255", false, "\3a.b\1@\2\" \4;\\$\n\2\0\377", 18, 65280, 99, 4, 0, 12,
            "1795488959 192.0.2.0 a\\.b.\\@.\\\"\\032.\\;\\\\\\$\\010.\\000\\255 type65280 "
            "class99: "
            "NOTIMPL/0/12\n"},
        {"192.0.2.1", true, "\1x", 3, 65, 3, 2, 0, 12,
            "1795488959 192.0.2.1 x type65 CH: SERVFAIL/0/12\n"},
        {"192.0.2.1", true, "\1x", 3, 255, 255, 16, 0, 12,
            "1795488959 192.0.2.1 x ANY ANY: BADVERS/0/12\n"},
    };
    struct querylog log = {.ring = logrings_map(1), .sample = 1};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct asked asked;
        ask(&asked, cases[i].name, cases[i].name_n, cases[i].type, cases[i].class);
        set_client(&asked, cases[i].client);
        asked.note.rcode = cases[i].rcode;
        asked.reply[7] = cases[i].answers;
        log.full = cases[i].full;
        assert_string_equal(line_of(&log, &asked, cases[i].bytes, false), cases[i].line);
    }
    logrings_unmap(&log.ring, 1);
}

static void
text_lines(void **state)
{
    struct querylog log = {.ring = logrings_map(1), .sample = 1};
    struct asked asked;
    (void)state;
    ask(&asked, "\1X", 3, 65, 1);
    set_client(&asked, "203.0.113.77");
    asked.note.rcode = 4;
    assert_string_equal(line_of(&log, &asked, 31, true),
        "2026-11-24T02:55:59Z client=203.0.113.0/24 transport=udp name=X type=HTTPS class=IN "
        "rcode=NOTIMP answers=0 bytes=31\n");
    ask(&asked, "\1X", 3, 16, 254);
    set_client(&asked, "2001:db8:1:2345::9");
    asked.request.tcp = asked.note.edns = asked.note.listed = asked.note.truncated = true;
    asked.reply[6] = 1;
    asked.reply[7] = 2;
    log.full = true;
    assert_string_equal(line_of(&log, &asked, 40000, true),
        "2026-11-24T02:55:59Z client=2001:db8:1:2345::9 transport=tcp name=X type=TXT class=NONE "
        "rcode=NOERROR answers=258 bytes=40000 listed edns truncated\n");
    logrings_unmap(&log.ring, 1);
}

/* A keyed zone's name has the key's id, or nobody's. */
static void
hidden_keys(void **state)
{
    static const char name[] = "\0012\0010\0010\003127\017k3y-of-good-one\002ip\3rep\7example";
    static const struct {
        const char *id;
        bool clear;
        const char *line;
    } cases[] = {{"acme", false, " 2.0.0.127.acme.ip.rep.example A IN"},
        {NULL, false, " 2.0.0.127.-.ip.rep.example A IN"},
        {"an_id_that_is_longer_than_the_key", false,
            " 2.0.0.127.an_id_that_is_longer_than_the_key.ip.rep.example A IN"},
        {"acme", true, " 2.0.0.127.k3y-of-good-one.ip.rep.example A IN"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct querylog log = {.ring = logrings_map(1), .sample = 1, .keys = cases[i].clear};
        struct asked asked;
        ask(&asked, name, sizeof name, 1, 1);
        set_client(&asked, "192.0.2.1");
        asked.note.key_at = 10;
        asked.note.key_n = 15;
        asked.note.key_id = cases[i].id;
        assert_non_null(strstr(line_of(&log, &asked, 100, false), cases[i].line));
        logrings_unmap(&log.ring, 1);
    }
    /* An id for which there is no room. */
    struct querylog log = {.ring = logrings_map(1), .sample = 1};
    struct asked asked;
    uint8_t longest[DNAME_MAX] = {12};
    for (unsigned at = 13, n = 60; at < DNAME_MAX - 1; at += n + 1) {
        n = DNAME_MAX - 2 - at < 60 ? DNAME_MAX - 2 - at : 60;
        longest[at] = (uint8_t)n;
    }
    ask(&asked, longest, sizeof longest, 1, 1);
    set_client(&asked, "192.0.2.1");
    asked.note.key_n = 12;
    asked.note.key_id = "an_id_that_is_longer_than_the_key";
    assert_non_null(strstr(line_of(&log, &asked, 100, false), " 192.0.2.0 . A IN: "));
    logrings_unmap(&log.ring, 1);
}

/* The longest name, each byte of it escaped; and no question at all. */
static void
extremes(void **state)
{
    struct querylog log = {.ring = logrings_map(1), .sample = 1};
    struct asked asked;
    uint8_t name[DNAME_MAX] = {0};
    (void)state;
    for (unsigned at = 0, left = DNAME_MAX - 1; left > 1;) {
        unsigned n = left - 1 < 63 ? left - 1 : 63;
        name[at] = (uint8_t)n;
        memset(name + at + 1, 0xff, n);
        at += n + 1;
        left -= n + 1;
    }
    ask(&asked, name, sizeof name, 1, 1);
    set_client(&asked, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
    log.full = true;
    for (int text = 0; text < 2; text++) {
        const char *line = line_of(&log, &asked, 65535, text == 1);
        assert_in_range(strlen(line), 1000, QUERYLOG_LINE_MAX - 1);
        assert_int_equal(strcspn(line, "\n") + 1, strlen(line));
    }
    ask(&asked, "", 1, 1, 1);
    asked.note.question_len = 0;
    asked.note.rcode = 1;
    assert_non_null(strstr(line_of(&log, &asked, 12, false), " - - -: FORMERR/0/12\n"));
    assert_non_null(strstr(line_of(&log, &asked, 12, true), " name=- type=- class=- "));
    logrings_unmap(&log.ring, 1);
}

static void
one_of_so_many(void **state)
{
    struct querylog log = {.ring = logrings_map(1), .sample = 5};
    struct asked asked;
    unsigned count = 0;
    (void)state;
    ask(&asked, "\1x", 3, 1, 1);
    for (unsigned i = 0; i < 1000; i++)
        count += line_of(&log, &asked, 12, false)[0] != '\0';
    assert_int_equal(count, 200);
    logrings_unmap(&log.ring, 1);
}

static void
full_ring(void **state)
{
    struct querylog log = {.ring = logrings_map(1), .sample = 1};
    struct asked asked;
    unsigned count = 0;
    (void)state;
    ask(&asked, "\0012\0010\0010\003127\003rep\7example", 23, 1, 1);
    while (querylog_take(&log, &asked.request, &asked.note, asked.reply, 100, 1))
        count++;
    assert_in_range(count, 10000, 20000);
    logrings_unmap(&log.ring, 1);
}

/* Whatever is in a record: a line of a bounded length, or none. */
static void
damaged_records(void **state)
{
    uint8_t record[LOGRING_RECORD_MAX];
    char line[QUERYLOG_LINE_MAX];
    (void)state;
    srandom(1);
    for (unsigned i = 0; i < 50000; i++) {
        size_t n = (size_t)random() % sizeof record;
        for (size_t k = 0; k < n; k++)
            record[k] = (uint8_t)random();
        /* Near enough to a good one to get further. */
        const size_t name = offsetof(struct querylog_record, name);
        if (n > name) {
            record[name - 1] = (uint8_t)(n - name);
            record[name] = (uint8_t)(random() % 70);
        }
        size_t length = querylog_format(record, n, i % 2 == 0, line);
        assert_true(length < sizeof line);
        assert_true(
            length == 0 || (line[length - 1] == '\n' && memchr(line, '\n', length - 1) == NULL));
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(text_lines),
        cmocka_unit_test(hidden_keys),
        cmocka_unit_test(extremes),
        cmocka_unit_test(one_of_so_many),
        cmocka_unit_test(full_ring),
        cmocka_unit_test(damaged_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
